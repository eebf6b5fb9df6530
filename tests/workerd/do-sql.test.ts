/** The Sql port over a Durable Object's database: the same contract as Node's. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { createDoSql } from '../../src/adapters/cloudflare/do-sql.ts'
import { sqlContract } from '../contract/sql-contract.ts'

sqlContract('a Durable Object', async (work) => {
  const stub = env.SEQUENCERS.get(env.SEQUENCERS.newUniqueId())
  await runInDurableObject(stub, (_object, state) => work(createDoSql(state.storage)))
})
