/** Files as text, the way vite imports them. */
declare module '*?raw' {
  const text: string
  export default text
}
