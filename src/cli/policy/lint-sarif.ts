/**
 * What SARIF needs from outside: paths from where the person stands, our version, the pages of docs/checks.
 */
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LintReport } from '../../core/policy/lint/lint.ts'
import { sarifOf } from '../../core/policy/lint/sarif.ts'
import { readIfThereSync } from '../files.ts'
import type { Session } from '../session.ts'

/** The package's own folder: the same from src/cli/policy and from dist/cli/policy. */
const PACKAGE = new URL('../../../', import.meta.url)
const MAX_PAGE_BYTES: number = 64 * 1024

/** `reports` as a SARIF log. */
export function lintSarif(
  session: Session,
  reports: readonly LintReport[],
  pages: string | null,
): object {
  const { version } = JSON.parse(textOf('package.json') ?? '{"version":"0"}') as { version: string }
  return sarifOf(reports, {
    version,
    pages,
    uriOf: (file) => uriOf(relative(session.world.cwd, session.path(file))),
    pageOf: (code) => textOf(`docs/checks/${code}.md`),
  })
}

function uriOf(path: string): string {
  return path.split(sep).map(encodeURIComponent).join('/')
}

function textOf(path: string): string | null {
  const bytes = readIfThereSync(fileURLToPath(new URL(path, PACKAGE)), MAX_PAGE_BYTES)
  return bytes === null ? null : new TextDecoder().decode(bytes)
}
