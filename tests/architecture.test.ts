/** The import rules of docs/architecture.md as code: arrows point inward only. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const SRC = join(ROOT, 'src')

interface SourceFile {
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

function sources(): readonly SourceFile[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const text = readFileSync(join(SRC, name), 'utf8')
      const imports = [...text.matchAll(/\b(?:from\s+|import\s*\(?\s*)'([^'\n]+)'/g)].map(
        (m) => m[1] ?? '',
      )
      return { path: name.replaceAll('\\', '/'), text, imports }
    })
}

/** `core/time.ts` for a relative import, the package name otherwise. */
function target(file: SourceFile, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  return relative(SRC, resolve(dirname(join(SRC, file.path)), specifier)).replaceAll('\\', '/')
}

const files = sources()
const folderOf = (path: string): string => path.split('/').slice(0, 2).join('/')

interface Rule {
  readonly name: string
  readonly applies: (path: string) => boolean
  readonly allows: (path: string, target: string) => boolean
}

const CORE_PACKAGES: readonly (readonly [folder: string, packages: readonly string[]])[] = [
  ['core/policy/', ['yaml', '@marcbachmann/cel-js', '@noble/hashes/sha2.js']],
  ['core/record/', ['jose/', '@noble/hashes/sha2.js']],
  ['core/audit/', ['@noble/hashes/sha2.js']],
  ['core/tlog/', ['@noble/hashes/sha2.js']],
]

function corePackageAllowed(path: string, specifier: string): boolean {
  return CORE_PACKAGES.some(
    ([folder, packages]) =>
      path.startsWith(folder) &&
      packages.some(
        (name) => specifier === name || (name.endsWith('/') && specifier.startsWith(name)),
      ),
  )
}

const RULES: readonly Rule[] = [
  {
    name: 'core imports nothing outside core but its named libraries',
    applies: (path) => path.startsWith('core/'),
    allows: (path, to) => to.startsWith('core/') || corePackageAllowed(path, to),
  },
  {
    name: 'tlog knows nothing of policy, standing, records or audit',
    applies: (path) => path.startsWith('core/tlog/'),
    allows: (_path, to) => !/^core\/(policy|standing|record|audit)\//.test(to),
  },
  {
    name: 'policy and standing know nothing of records, log or audit',
    applies: (path) => /^core\/(policy|standing)\//.test(path),
    allows: (_path, to) => !/^core\/(record|tlog|audit)\//.test(to),
  },
  {
    name: 'records know nothing of standing or audit, and of policies only nothing at all',
    applies: (path) => path.startsWith('core/record/'),
    allows: (_path, to) => !/^core\/(standing|audit|policy)\//.test(to),
  },
  {
    name: 'the gate and its ports import core only',
    applies: (path) => /^(gate\.ts|gate-types\.ts|ports\.ts|gate\/)/.test(path),
    allows: (_path, to) =>
      /^(core\/|gate\.ts|gate-types\.ts|ports\.ts|gate\/)/.test(to) ||
      to === '@noble/hashes/sha2.js',
  },
  {
    name: 'an adapter imports no other adapter folder, sqlite excepted for hosts; composition roots choose parts',
    applies: (path) => path.startsWith('adapters/') && path !== 'adapters/node/server.ts',
    allows: (path, to) =>
      !to.startsWith('adapters/') ||
      folderOf(to) === folderOf(path) ||
      (/^adapters\/(node|cloudflare)\//.test(path) && to.startsWith('adapters/sqlite/')),
  },
  {
    name: 'only the Node host and the CLI use Node, and the edge host its hash',
    applies: (path) =>
      !/^(adapters\/node\/|cli\/|adapters\/cloudflare\/native-sha256\.ts$)/.test(path),
    allows: (_path, to) => !to.startsWith('node:'),
  },
  {
    name: 'only the edge host uses Cloudflare',
    applies: (path) => !/^(adapters\/cloudflare\/|worker(?:-deployment|-media)?\.ts$)/.test(path),
    allows: (_path, to) => !to.startsWith('cloudflare:') && !to.startsWith('adapters/cloudflare/'),
  },
  {
    name: 'only shells (-object.ts, -service.ts) and the Worker know the platform: what they do is functions over ports',
    applies: (path) =>
      path !== 'worker.ts' && !/^adapters\/cloudflare\/[a-z]+-(?:object|service)\.ts$/.test(path),
    allows: (_path, to) => !to.startsWith('cloudflare:'),
  },
  {
    name: 'only the bundle reads files beside the source',
    applies: (path) => path !== 'adapters/cloudflare/bundle.ts',
    allows: (_path, to) => !to.startsWith('../'),
  },
  {
    name: 'nothing inside imports the library surface or a composition root',
    applies: (path) => !path.startsWith('cli/'),
    allows: (_path, to) => !['index.ts', 'worker.ts', 'adapters/node/server.ts'].includes(to),
  },
  {
    name: 'parts of the composition root are the root’s alone',
    applies: (path) => !/^worker(?:-media)?\.ts$/.test(path),
    allows: (_path, to) => !['worker-deployment.ts', 'worker-media.ts'].includes(to),
  },
]

describe('import rules', () => {
  for (const rule of RULES)
    it(rule.name, () => {
      const broken = files
        .filter((file) => rule.applies(file.path))
        .flatMap((file) =>
          file.imports
            .map((specifier) => target(file, specifier))
            .filter((to) => !rule.allows(file.path, to))
            .map((to) => `${file.path} -> ${to}`),
        )
      expect(broken).toEqual([])
    })

  it('every source file was read', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(files.find((file) => file.path === 'gate.ts')?.imports.length).toBeGreaterThan(5)
  })

  it('there are no import cycles', () => {
    const edges = new Map(files.map((file) => [file.path, runtimeTargets(file)]))
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
        return
      }
      if (done.has(path)) return
      for (const next of edges.get(path) ?? []) visit(next, [...trail, path])
      done.add(path)
    }
    for (const path of edges.keys()) visit(path, [])
    expect(cycles).toEqual([])
  })
})

/** Type-only imports vanish at run time and cannot make a cycle. */
function runtimeTargets(file: SourceFile): readonly string[] {
  const statements = [
    ...file.text.matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+'(\.[^']+)'/gm),
  ]
  return statements.map((m) => target(file, m[1] ?? ''))
}

describe('core is pure', () => {
  const FORBIDDEN = [
    /\bDate\.now\b/,
    /\bnew Date\(\)/,
    /\bMath\.random\b/,
    /\bcrypto\.(getRandomValues|randomUUID|subtle)\b/,
    /\bfetch\(/,
    /\bprocess\./,
    /\bset(Timeout|Interval)\b/,
    /\bconsole\./,
    /\b(toLocaleString|toLocaleDateString|Intl\.)/,
  ]
  it('reads no clock, no randomness, no environment, no locale', () => {
    const found = files
      .filter((file) => file.path.startsWith('core/') || file.path.startsWith('gate'))
      .flatMap((file) =>
        withoutComments(file.text)
          .split('\n')
          .filter((line) => FORBIDDEN.some((pattern) => pattern.test(line)))
          .map((line) => `${file.path}: ${line.trim()}`),
      )
    expect(found).toEqual([])
  })
})

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/\/\/.*$/gm, '')
}

describe('house style', () => {
  it('there is no `any`, no silenced type check and no default export in src', () => {
    const found = files.flatMap((file) =>
      withoutComments(file.text)
        .split('\n')
        .filter((line) => /(:\s*any\b|as any\b|<any>|^export default)/.test(line))
        .map((line) => `${file.path}: ${line.trim()}`),
    )
    // What the platform takes for a Worker is its default export.
    expect(found).toEqual(['worker.ts: export default worker'])
    const silenced = files.filter((file) => /@ts-(ignore|expect-error|nocheck)/.test(file.text))
    expect(silenced.map((file) => file.path)).toEqual([])
  })

  it('every file opens with a header comment', () => {
    const bare = files.filter((file) => !/^(#![^\n]*\n)?\/\*\*/.test(file.text))
    expect(bare.map((file) => file.path)).toEqual([])
  })

  it('no file grows past 400 lines, registry tables excepted', () => {
    const REGISTRIES = ['core/policy/categories.ts', 'core/record/claims.ts']
    const large = files.filter(
      (file) => file.text.split('\n').length > 400 && !REGISTRIES.includes(file.path),
    )
    expect(large.map((file) => file.path)).toEqual([])
  })
})
