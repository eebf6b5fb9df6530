/**
 * Sentences for the person affected, with placeholders from a closed list.
 *
 * Which values exist is decided by the rule; how instants and counts are written is decided by who renders.
 * Spec: docs/spec/policy-syntax.md, "Ground, sentence, appeal".
 */

/** Everything a `because` may name. */
export const PLACEHOLDERS = ['until', 'not_before', 'category', 'clause', 'count', 'url'] as const
export type Placeholder = (typeof PLACEHOLDERS)[number]

const MARK = /\{([^{}]*)\}|[{}]/g

/** Everything in braces, and every brace that stands alone, with its offset in the template. */
export function marksIn(
  template: string,
): readonly { readonly text: string; readonly name: string | null; readonly index: number }[] {
  return [...template.matchAll(MARK)].map((match) => ({
    text: match[0],
    name: match[1] ?? null,
    index: match.index,
  }))
}

/** Fills a checked template. A placeholder without a value becomes an empty text. */
export function renderTemplate(
  template: string,
  values: Readonly<Partial<Record<Placeholder, string>>>,
): string {
  return template.replace(MARK, (_, name: string | undefined) =>
    name !== undefined && Object.hasOwn(values, name) ? (values[name as Placeholder] ?? '') : '',
  )
}
