/**
 * Reads JSON in its one spelling, faster where texts are alike: equal to one read before but for its scalars.
 *
 * Whether a text is in its one spelling is seen by writing its value again (json.ts), which costs as much as reading it. A
 * text of a form seen before needs only to be compared with that form: the same members in the same order, lists of the
 * same elements, and scalars that have no other spelling. What is in no known form takes the long way, so that the same
 * texts are accepted; a test holds the two together. Only speed depends on this.
 */
import { parseJson } from './json.ts'

/** Forms remembered, and the longest text looked at. */
const MAX_FORMS = 8
const MAX_CHARS = 8192
/** Once it remembers that many, of texts in no known form one in so many is learnt: where no two are alike, learning would cost more than it brings. */
const PATIENCE = 16

/** Forms of texts, the one that fitted last first. A log has few; hostile ones must not make this slow. */
export class KnownForms<T> {
  readonly #forms: T[] = []
  #unknown = 0

  /** What `read` makes of the first form that fits `text`; undefined when none does. */
  fit<R>(text: string, read: (form: T) => R | undefined): R | undefined {
    if (text.length > MAX_CHARS) return undefined
    for (let i = 0; i < this.#forms.length; i++) {
      const value = read(this.#forms[i] as T)
      if (value === undefined) continue
      if (i > 0) this.#forms.unshift(...this.#forms.splice(i, 1))
      return value
    }
    return undefined
  }

  /** For a text that none fitted; `formOf` gives null for one that has no form. */
  learn(text: string, formOf: () => T | null): void {
    if (text.length > MAX_CHARS) return
    const isFull = this.#forms.length === MAX_FORMS
    if (isFull && this.#unknown++ % PATIENCE !== 0) return
    const form = formOf()
    if (form === null) return
    this.#forms.unshift(form)
    if (this.#forms.length > MAX_FORMS) this.#forms.pop()
  }
}

/** A reader with a memory of its own, for texts that are likely to be alike; accepts what `parseJson` accepts. */
export function createReader(): (text: string) => unknown {
  const known = new KnownForms<RegExp>()
  return (text) => {
    if (known.fit(text, (form) => form.test(text) || undefined)) return JSON.parse(text)
    const value = parseJson(text)
    if (value !== undefined) known.learn(text, () => new RegExp(`^${formOf(value)}$`))
    return value
  }
}

/** Printable ASCII without quotes and backslashes has no escapes; integers of up to 15 digits are exact. */
const SCALAR = '(?:"[ !#-[\\]-~]*"|0|-?[1-9][0-9]{0,14}|true|false|null)'

/** The form of a value whose text is in its one spelling. */
function formOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return SCALAR
  if (Array.isArray(value)) return `\\[${elements(value.map(formOf))}\\]`
  const members = Object.entries(value).map(
    ([name, inner]) => `${literal(JSON.stringify(name))}:${formOf(inner)}`,
  )
  return `\\{${members.join()}\\}`
}

/** Elements of one form may be more or fewer, but not none. */
function elements(forms: readonly string[]): string {
  const [first = ''] = forms
  return forms.length > 0 && forms.every((form) => form === first)
    ? `${first}(?:,${first})*`
    : forms.join()
}

/** As the source of a regular expression that fits exactly `text`. */
export function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
