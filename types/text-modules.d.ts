/** Files the Worker bundles as their text (`rules` in wrangler.toml). */
declare module '*.yaml' {
  const text: string
  export default text
}
