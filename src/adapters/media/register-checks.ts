/**
 * What is asked of a registration, and how a refusal is worded. Pure. From: registrations.ts.
 */
import { type Fault, LivegateError } from '../../core/errors.ts'
import { isAdmitted, readHost } from './hosts.ts'
import type { MediaServer, ServersFile } from './servers-file.ts'
import { MAX_SERVER_ID_CHARS, SERVER_ID } from './servers-syntax.ts'
import type { ServerTemplate } from './servers-templates.ts'

/** As somebody sent it. */
export interface Asked {
  readonly id: string
  readonly template: string
  readonly host: string
}

/** @throws LivegateError `invalid_request`, or `conflict` for an id of the servers file. */
export function readAsked(
  file: ServersFile,
  { id, template: name, host: text }: Asked,
): { readonly id: string; readonly template: ServerTemplate; readonly host: string } {
  if (id.length > MAX_SERVER_ID_CHARS || !SERVER_ID.test(id))
    throw new LivegateError(
      'invalid_request',
      'Cannot register the server: its id is not valid, expected 1 to 64 lower-case letters, digits, `-` and `_`, the first a letter or digit',
    )
  if (isInFile(file, id))
    throw new LivegateError(
      'conflict',
      'Cannot register the server: its id stands in the servers file',
    )
  const template = file.templates.find((one) => one.server.id === name)
  const host = readHost(text)
  const faults: Fault[] = []
  if (template === undefined)
    faults.push({ pointer: '/template', detail: `expected ${namesOf(file.templates)}` })
  if (!host.ok) faults.push({ pointer: '/host', detail: `expected ${host.error}` })
  else if (template !== undefined && !isAdmitted(host.value, template.hosts))
    faults.push({ pointer: '/host', detail: 'expected a host within `hosts` of the template' })
  if (template === undefined || !host.ok || faults.length > 0)
    throw new LivegateError(
      'invalid_request',
      `Cannot register the server: ${faults.length === 1 ? 'one member is' : 'two members are'} not valid`,
      { faults },
    )
  return { id, template, host: host.value.text }
}

function namesOf(templates: readonly ServerTemplate[]): string {
  if (templates.length === 0) return 'an entry with `register` in the servers file, which has none'
  const names = templates.map(({ server }) => server.id)
  return `the name of a template: ${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`
}

function isInFile({ servers, templates }: ServersFile, id: string): boolean {
  return [...servers, ...templates.map(({ server }) => server)].some((one) => one.id === id)
}

/** False for a registration the servers file has no room for any more. */
export function stillThere(
  file: ServersFile,
  template: ServerTemplate,
  { id, host: text }: { readonly id: string; readonly host: string },
): boolean {
  const host = readHost(text)
  return !isInFile(file, id) && host.ok && isAdmitted(host.value, template.hosts)
}

/** Host and port its control interface is at; null where it has none. */
export function addressOf({ control }: MediaServer): string | null {
  return control === null || !URL.canParse(control) ? null : new URL(control).host
}

export function idTaken(why: 'registered' | 'leaving', seconds: number | null): LivegateError {
  return why === 'registered'
    ? new LivegateError(
        'conflict',
        'Cannot register the server: its id is registered with another host or template',
        {
          hint: 'DELETE it first, or wait until it has not been repeated for its ttl',
          ...(seconds === null ? {} : { retry_after_s: Math.max(1, Math.ceil(seconds)) }),
        },
      )
    : new LivegateError(
        'conflict',
        'Cannot register the server: broadcasts of an earlier host under its id are still open',
        { hint: 'take another id, or wait until they have ended' },
      )
}

export function addressTaken(by: string): LivegateError {
  return new LivegateError(
    'conflict',
    `Cannot register the server: the address of its control interface is that of \`${by}\``,
    { hint: 'DELETE that one first if it is gone' },
  )
}

export function fullTemplate({ server, max }: ServerTemplate): LivegateError {
  return new LivegateError(
    'conflict',
    `Cannot register the server: ${max} of at most ${max} are registered under \`${server.id}\``,
    { hint: 'raise `max` of the template, or deregister those that are gone' },
  )
}

export function unknownServer(file: ServersFile, id: string): LivegateError {
  return isInFile(file, id)
    ? new LivegateError('conflict', 'Cannot deregister the server: it stands in the servers file')
    : new LivegateError('not_found', 'Cannot deregister the server: none is registered under it')
}
