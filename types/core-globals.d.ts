/**
 * The only globals the core may use beyond the language itself: pure encoders every runtime has.
 *
 * `tsconfig.core.json` type-checks `src/core`, `src/gate.ts` and `src/ports.ts` with no DOM and no Node
 * types, so a clock, a socket or a random source does not even compile there.
 */
declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>
  encodeInto(source: string, destination: Uint8Array): { read: number; written: number }
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(input?: Uint8Array): string
}
declare function atob(data: string): string
declare function btoa(data: string): string
