/**
 * Which of a text's languages a person gets: what their program asks for (Accept-Language), else English, else any.
 */

/** The sentence in the best language there is; null for none at all. `asked` as RFC 9110 section 12.5.4, or absent. */
export function inLanguage(
  texts: Readonly<Record<string, string>>,
  asked: string | undefined,
): string | null {
  for (const wanted of [...wantedOf(asked), 'en'])
    for (const [tag, sentence] of Object.entries(texts))
      if (primary(tag) === wanted) return sentence
  return Object.values(texts)[0] ?? null
}

/** Primary tags, best first. */
function wantedOf(languages = ''): readonly string[] {
  return languages
    .slice(0, 256)
    .split(',')
    .map((range, place) => {
      const [tag = '', weight = 'q=1'] = range.trim().split(/\s*;\s*/)
      const quality = Number(weight.replace(/^q=/i, ''))
      return { tag: primary(tag), quality, place }
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality || a.place - b.place)
    .map(({ tag }) => tag)
}

function primary(tag: string): string {
  return tag.toLowerCase().split('-')[0] ?? ''
}
