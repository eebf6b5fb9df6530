#!/usr/bin/env node
// Says clearly what is missing on an old Node, in a syntax every Node can read; then hands over to the program.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `error: Cannot run livegate: this is Node ${process.versions.node}, expected 22.18 or newer`,
  )
  console.error('hint: install a current Node; in a checkout, `npm start` brings its own')
  process.exit(1)
}
await import('../dist/cli/main.js')
