/**
 * JSON in its one spelling: exactly the text ECMAScript's `JSON.stringify` writes for the value.
 *
 * One comparison rules out blanks, members given twice, respelled numbers and needless escapes, so two verifiers that
 * read the same bytes read the same claims. Numbers and strings are written as in RFC 8785 section 3.2.2; members
 * keep the order they were written in.
 */

/** The value of JSON text in its one spelling, else undefined. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value) === text ? value : undefined
  } catch {
    return undefined
  }
}
