/** Under construction: the shell of one object. */
import { DurableObject } from 'cloudflare:workers'
import type { Env } from './env.ts'

export class SubjectObject extends DurableObject<Env> {}
