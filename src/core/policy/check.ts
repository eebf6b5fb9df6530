/**
 * What a policy means, checked across its members: references, ids, categories. Form is already checked by syntax.ts.
 *
 * Each check is one function over the source and reports by itself; compile.ts relies on all of them.
 * Rules have their own file, check-rule.ts. A page per code: docs/checks.
 */
import { checkCount, checkPattern } from './check-count.ts'
import { checkRule } from './check-rule.ts'
import { quote, type Reporter } from './diagnostic.ts'
import type { At } from './shape.ts'
import { isStandIn } from './shape-object.ts'
import type { PolicySource } from './source.ts'
import { didYouMean } from './suggest.ts'

/** Reports everything wrong with the meaning of `source`, conditions left out. */
export function checkPolicy(source: PolicySource, reporter: Reporter): void {
  checkExpiry(source, reporter)
  for (const rule of source.rules.value) checkRule(rule, reporter)
  checkIds(source, reporter)
  checkExemptions(source, reporter)
  checkOnUnknown(source, reporter)
  if (source.on_stale !== undefined && source.max_age === undefined)
    reporter.report('missing-key', source.on_stale, '`on_stale` needs `max_age`')
  for (const { value } of source.invariants?.value ?? []) {
    const { given } = value
    if (given.value.count !== undefined) checkCount(given.value.count.value, reporter)
    if (Object.keys(given.value).length === 0 && !reporter.failed(given))
      reporter.report('missing-key', given, 'given needs `count` or `when`')
  }
}

function checkExpiry(source: PolicySource, reporter: Reporter): void {
  const expire = source.strikes?.value.expire?.value
  if (typeof expire !== 'object') return
  for (const { key, at } of expire) if (key !== 'default') checkPattern(key, at, reporter)
}

function checkIds({ rules, exempt, invariants }: PolicySource, reporter: Reporter): void {
  unique(rules.value, 'rule', reporter)
  unique(exempt?.value ?? [], 'exemption', reporter)
  unique(invariants?.value ?? [], 'invariant', reporter)
  const ruleIds = new Set(rules.value.map(({ value }) => value.id.value))
  for (const { value } of exempt?.value ?? [])
    if (ruleIds.has(value.id.value))
      reporter.report(
        'duplicate-id',
        value.id,
        `exemption ${quote(value.id.value)} has the id of a rule`,
        'diagnostics name both by id; give the exemption one of its own',
      )
  for (const { value } of rules.value)
    if (value.id.value === 'default')
      reporter.report(
        'bad-value',
        value.id,
        "`default` names the policy's default, expected another id",
      )
}

function unique(
  items: readonly At<{ readonly id: At<string> }>[],
  what: string,
  reporter: Reporter,
): void {
  const seen = new Set<string>()
  for (const { id } of items.map(({ value }) => value)) {
    if (isStandIn(id)) continue
    if (seen.has(id.value))
      reporter.report('duplicate-id', id, `${what} ${quote(id.value)} is there twice`)
    seen.add(id.value)
  }
}

function checkExemptions({ rules, exempt }: PolicySource, reporter: Reporter): void {
  const known = new Set(rules.value.map(({ value }) => value.id.value))
  for (const { value } of exempt?.value ?? []) {
    const seen = new Set<string>()
    for (const rule of value.rules.value) {
      const name = quote(rule.value)
      // A rule that could not be read is missing from `known`; its own error says so.
      if (!known.has(rule.value) && !reporter.failed(rules))
        reporter.report(
          'unknown-rule',
          rule,
          `exemption ${quote(value.id.value)} lifts rule ${name}, which is not there`,
          didYouMean(rule.value, known),
        )
      else if (seen.has(rule.value))
        reporter.report('duplicate-id', rule, `exemption names rule ${name} twice`)
      seen.add(rule.value)
    }
  }
}

function checkOnUnknown({ on_unknown }: PolicySource, reporter: Reporter): void {
  if (on_unknown === undefined || reporter.failed(on_unknown)) return
  const { retry_after, outcome } = on_unknown.value
  if (retry_after === undefined && outcome === undefined)
    reporter.report('missing-key', on_unknown, 'on_unknown needs `retry_after` or `outcome`')
  if (retry_after !== undefined && outcome !== undefined)
    reporter.report('conflicting-keys', outcome, '`outcome` cannot stand beside `retry_after`')
}
