/** Docs that cannot rot: every link and anchor leads somewhere, pages and sections that are named exist, settings are listed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SETTINGS } from '../src/adapters/node/config.ts'

const ROOT = resolve(import.meta.dirname, '..')

function filesUnder(folder: string, ending: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
}

const pages = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...filesUnder('docs', '.md'),
  ...filesUnder('policies', '.md'),
]

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8').replaceAll(/```[\s\S]*?```/g, '')
}

/** Headings as written, without their marks. */
function headingsOf(page: string): readonly string[] {
  return [...textOf(page).matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading = '']) =>
    heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, ''),
  )
}

/** Anchors as GitHub and most renderers make them: a second heading of the same text gets `-1`. */
function anchorsOf(page: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  return new Set(
    headingsOf(page).map((heading) => {
      const slug = heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
        .replaceAll(' ', '-')
      const times = seen.get(slug) ?? 0
      seen.set(slug, times + 1)
      return times === 0 ? slug : `${slug}-${times}`
    }),
  )
}

/** A heading may number itself: the section `Part` is also a heading `2. Part`. */
function hasSection(page: string, section: string): boolean {
  return headingsOf(page).some((heading) => heading.replace(/^[\dA-Z]+\. /, '') === section)
}

describe('links', () => {
  it('every relative link in every page leads to a file', () => {
    const dead = pages.flatMap((page) => {
      const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/```[\s\S]*?```/g, '')
      return [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map(([, link = '']) => link)
        .filter((link) => !existsSync(join(ROOT, dirname(page), link)))
        .map((link) => `${page} -> ${link}`)
    })
    expect(pages.length).toBeGreaterThan(20)
    expect(dead).toEqual([])
  })

  it('every anchor of a link is a heading of the page it leads to', () => {
    let followed = 0
    const dead = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)/g)].flatMap(
        ([, file = '', anchor = '']) => {
          followed++
          const target = file === '' ? page : join(dirname(page), file)
          const alive = existsSync(join(ROOT, target)) && anchorsOf(target).has(anchor)
          return alive ? [] : [`${page} -> ${file}#${anchor}`]
        },
      ),
    )
    expect(followed).toBeGreaterThan(0)
    expect(dead).toEqual([])
  })

  it('every section that a source file, a test or a page names is a heading there', () => {
    const files = [
      ...filesUnder('src', '.ts'),
      ...filesUnder('tests', '.ts'),
      ...filesUnder('bench', '.ts'),
      ...pages,
    ]
    let named = 0
    const missing = files.flatMap((file) => {
      // A comment may break the line between page and section.
      const text = readFileSync(join(ROOT, file), 'utf8').replaceAll(/\n *(?:\*|\/\/) */g, ' ')
      return [...text.matchAll(/\b(docs\/[\w/-]+\.md)`?,? "([^"\n]+)"/g)].flatMap(
        ([, page = '', section = '']) => {
          named++
          return existsSync(join(ROOT, page)) && hasSection(page, section)
            ? []
            : [`${file} -> ${page}, "${section}"`]
        },
      )
    })
    expect(named).toBeGreaterThan(60)
    expect(missing).toEqual([])
  })

  it('every docs page a source file names exists', () => {
    const missing = filesUnder('src', '.ts').flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8')
      return [...text.matchAll(/\bdocs\/[\w/-]+\.md\b/g)]
        .map(([path]) => path)
        .filter((path) => !existsSync(join(ROOT, path)))
        .map((path) => `${file} -> ${path}`)
    })
    expect(missing).toEqual([])
  })
})

describe('docs/hosts/node.md', () => {
  const page = readFileSync(join(ROOT, 'docs/hosts/node.md'), 'utf8')
  for (const { flag, env, fallback, about } of SETTINGS)
    it(`lists --${flag} with its variable, default and meaning`, () => {
      expect(page).toContain(
        `| \`--${flag}\` | \`${env}\` | ${fallback === null ? '–' : `\`${fallback}\``} | ${about} |`,
      )
    })
})

describe('guarantees', () => {
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
  const rows = [...page.matchAll(/^\| (G\d+) \|.*\| ([^|]+) \|$/gm)]
  it('are eleven', () => {
    expect(rows.map(([, name]) => name)).toEqual(Array.from({ length: 11 }, (_, i) => `G${i + 1}`))
  })
  for (const [, name = '', held = ''] of rows)
    it(`${name} is named by the tests that hold it`, () => {
      const files = [...held.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, file = '']) => file)
      expect(files.length > 0 || (page.includes(`| ${name} |`) && held.trim() === '–')).toBe(true)
      for (const file of files)
        expect(readFileSync(join(ROOT, file), 'utf8'), file).toMatch(new RegExp(`\\b${name}\\b`))
    })
})

describe('text that must not be published', () => {
  it('no page or source names a path of one machine', () => {
    const all = [...pages, ...filesUnder('src', '.ts'), ...filesUnder('bench', '.ts')]
    const found = all.filter((file) =>
      /(?<![\w.])\/(root|home|work)\/[a-z]/.test(readFileSync(join(ROOT, file), 'utf8')),
    )
    expect(found).toEqual([])
  })
})
