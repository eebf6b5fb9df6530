/**
 * The configuration plain `workerd serve` reads, as text: workers with their modules, bindings and objects, the
 * directory objects live in, and the socket. Pure; docs/hosts/workerd.md shows what comes out.
 */
import type { BundleModule } from './bundle.ts'

export interface WorkerdObjects {
  readonly binding: string
  readonly class_name: string
  /** Another worker whose objects these are. */
  readonly of?: string
}

export interface WorkerdWorker {
  readonly name: string
  /** Files beside the configuration, in a folder of the worker's name. */
  readonly modules: readonly Pick<BundleModule, 'name' | 'kind'>[]
  readonly objects: readonly WorkerdObjects[]
  /** Binding and what it is bound to, in the configuration's own words. */
  readonly bindings: readonly (readonly [name: string, value: string])[]
}

export interface WorkerdConfig {
  readonly compatibility_date: string
  readonly compatibility_flags: readonly string[]
  readonly workers: readonly WorkerdWorker[]
}

/** Where the first worker answers unless `--socket-addr=http=…` says otherwise. */
export const ADDRESS = '127.0.0.1:8787'

/** What to bind to reach public addresses only. */
export const PUBLIC_SERVICE = 'service = "public"'

/**
 * Ranges that lead where others do not see: the host under an Azure machine, IPv4 inside of IPv6 (as src/public-address.ts, which
 * knows more of them; of the rest the runtime itself says that they are not public).
 */
const NOT_PUBLIC: readonly string[] = ['168.63.129.16/32', '64:ff9b::/32', '2002::/16', '2001::/32']

/** A binding of a variable of the environment workerd is started in; nothing secret is written down. */
export function fromEnvironment(name: string): readonly [string, string] {
  return [name, `fromEnvironment = ${quoted(name)}`]
}

export function workerdConfig(config: WorkerdConfig): string {
  const services = config.workers.map(({ name }) => `(name = ${quoted(name)}, worker = .${name}),`)
  const first = config.workers[0]?.name ?? ''
  return [
    'using Workerd = import "/workerd/workerd.capnp";',
    '',
    'const config :Workerd.Config = (',
    '  services = [',
    ...services.map((service) => `    ${service}`),
    '    # Where the databases of objects lie: --directory-path=disk=/var/lib/livegate',
    '    (name = "disk", disk = (writable = true)),',
    '    # Control interfaces of media servers are in networks of your own, and webhook endpoints that say `private: true`.',
    '    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))),',
    '    # Every other webhook endpoint: whatever a name leads to, a connection is made to public addresses only.',
    `    (name = "public", network = (allow = ["public"], deny = [${NOT_PUBLIC.map(quoted).join(', ')}], tlsOptions = (trustBrowserCas = true))),`,
    '  ],',
    `  sockets = [(name = "http", address = ${quoted(ADDRESS)}, http = (), service = ${quoted(first)})],`,
    ');',
    ...config.workers.flatMap((worker) => ['', ...workerLines(worker, config)]),
    '',
  ].join('\n')
}

function workerLines(worker: WorkerdWorker, config: WorkerdConfig): readonly string[] {
  const { name, modules, objects, bindings } = worker
  const namespaces = objects.map(({ binding, class_name, of }) => {
    const elsewhere = `(className = ${quoted(class_name)}, serviceName = ${quoted(of ?? '')})`
    const namespace = of === undefined ? quoted(class_name) : elsewhere
    return `(name = ${quoted(binding)}, durableObjectNamespace = ${namespace}),`
  })
  const own = objects.filter(({ of }) => of === undefined)
  return [
    `const ${name} :Workerd.Worker = (`,
    '  modules = [',
    ...modules.map(
      (m) => `    (name = ${quoted(m.name)}, ${m.kind} = embed ${quoted(`${name}/${m.name}`)}),`,
    ),
    '  ],',
    `  compatibilityDate = ${quoted(config.compatibility_date)},`,
    `  compatibilityFlags = [${config.compatibility_flags.map(quoted).join(', ')}],`,
    '  bindings = [',
    ...namespaces.map((line) => `    ${line}`),
    ...bindings.map(([binding, value]) => `    (name = ${quoted(binding)}, ${value}),`),
    '  ],',
    '  durableObjectNamespaces = [',
    ...own.map(
      ({ class_name }) =>
        `    (className = ${quoted(class_name)}, uniqueKey = ${quoted(`${name}-${class_name}`)}, enableSql = true),`,
    ),
    '  ],',
    '  durableObjectStorage = (localDisk = "disk"),',
    ');',
  ]
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
