/**
 * Lint reports as SARIF 2.1.0, the form code hosts and editors read.
 *
 * One run for all files. Regions are in UTF-16 code units, as our diagnostics are, and the run says so. What the author
 * allowed is there as a suppressed result with the reason. A finding's fingerprint is made of its code and the line it
 * stands on, so that it stays the same finding when lines move. Spec: OASIS SARIF 2.1.0, sections 3.13 to 3.30.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64Url, utf8 } from '../../encoding.ts'
import type { Diagnostic } from '../diagnostic.ts'
import type { LintReport } from './lint.ts'
import { ALL_CODES } from './registry.ts'

export interface SarifOptions {
  readonly version: string
  /** Reference to a file from the root of the checkout, as a URI. */
  readonly uriOf: (file: string) => string
  /** Where the pages of docs/checks are published, without a slash at the end; null = nowhere. */
  readonly pages: string | null
  /** The text of a page in Markdown, null when it is not at hand. */
  readonly pageOf: (code: string) => string | null
}

const SCHEMA =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'

const LEVELS = { error: 'error', warning: 'warning', info: 'note' } as const

/** The log as plain JSON. */
export function sarifOf(reports: readonly LintReport[], options: SarifOptions): object {
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: driverOf(options) },
        columnKind: 'utf16CodeUnits',
        artifacts: reports.map(({ file }) => ({ location: { uri: options.uriOf(file) } })),
        results: reports.flatMap((report, index) => resultsOf(report, index, options)),
      },
    ],
  }
}

function driverOf({ version, pages, pageOf }: SarifOptions): object {
  return {
    name: 'livegate policy lint',
    version,
    rules: ALL_CODES.map(({ code, severity, about }) => {
      const page = pageOf(code)
      const text = `${about}. See docs/checks/${code}.md.`
      return {
        id: code,
        shortDescription: { text: `${about}.` },
        helpUri: pages === null ? `urn:livegate:check:${code}` : `${pages}/${code}.md`,
        help: page === null ? { text } : { text, markdown: page },
        defaultConfiguration: { level: LEVELS[severity] },
      }
    }),
  }
}

const INDEX: ReadonlyMap<string, number> = new Map(
  ALL_CODES.map(({ code }, index) => [code, index]),
)

function resultsOf(report: LintReport, artifact: number, { uriOf }: SarifOptions): object[] {
  const lines = report.text.split('\n')
  const seen = new Map<string, number>()
  return [...report.diagnostics, ...report.suppressed].map((one) => {
    const { code, severity, message, hint } = one
    const words = `${code}\0${around(one, lines)}`
    const times = seen.get(words) ?? 0
    seen.set(words, times + 1)
    return {
      ruleId: code,
      ruleIndex: INDEX.get(code) ?? -1,
      level: LEVELS[severity],
      message: { text: messageText(hint === undefined ? message : `${message} (${hint})`) },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: uriOf(report.file), index: artifact },
            region: regionOf(one),
          },
        },
      ],
      partialFingerprints: { 'livegateLine/v1': fingerprint(`${words}\0${times}`) },
      ...('reason' in one
        ? { suppressions: [{ kind: 'inSource', justification: String(one.reason) }] }
        : {}),
    }
  })
}

/** In a message `{0}` is a placeholder and `[a](1)` a link: what authors write is neither (sections 3.11.5 and 3.11.6). */
function messageText(text: string): string {
  return text.replace(/[{}]/g, '$&$&').replaceAll('](', '] (')
}

/** The line a finding stands on; of a long one the part around it, lest a file of one line is hashed a thousand times. */
function around({ line, column }: Diagnostic, lines: readonly string[]): string {
  const text = lines[line - 1] ?? ''
  return text.slice(Math.max(0, column - LONG), column + LONG).trim()
}

const LONG = 200

function regionOf({ line, column, end_column }: Diagnostic): object {
  return {
    startLine: line,
    startColumn: column,
    endLine: line,
    endColumn: end_column ?? column + 1,
  }
}

function fingerprint(words: string): string {
  return toBase64Url(sha256(utf8(words))).slice(0, 22)
}
