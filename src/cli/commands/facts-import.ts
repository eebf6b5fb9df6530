/**
 * `livegate facts import`: what a platform knows about its accounts into a running gate.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { gateOptions } from '../gate-client.ts'
import { FACTS } from '../import/facts-rows.ts'
import { concurrencyOf, type ImportOptions, runImport } from '../import/run.ts'

export function factsImport(noun: Command, act: Act): void {
  const command = noun
    .command('import')
    .description('store the facts of a CSV or JSON Lines file')
    .argument('<file>', 'file.csv or file.jsonl')
    .requiredOption('--map <mapping.yaml>', 'which column is which fact')
    .option('--dry-run', 'send nothing; say what would happen')
    .option('--skip-bad', 'send the good rows even when others are wrong')
    .option('--state <file>', 'how far the import is (default: beside the file)')
    .option('--concurrency <n>', 'requests in flight, 1 to 64', concurrencyOf, 8)
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, (session, file: string, options: ImportOptions) =>
    runImport(session, FACTS, file, options),
  )
}

const EXAMPLE = `
Example:
  livegate facts import accounts.csv --map accounts.yaml --url http://127.0.0.1:8787 --key @key.txt`
