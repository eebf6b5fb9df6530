/** The contract suites of ledger and directory over real objects. */
import { directoryContract } from '../contract/directory-contract.ts'
import { ledgerContract } from '../contract/ledger-contract.ts'
import { anEdgeStore } from './edge-store.ts'

ledgerContract('the edge', anEdgeStore, { durable: true })
directoryContract('the edge', anEdgeStore)
