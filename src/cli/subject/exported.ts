/**
 * An export as the gate answers it, as far as it is put into words. Spec: docs/spec/api.md, "Erasure".
 */
export interface ExportedPage {
  readonly at: string
  readonly now?: ExportedNow
  readonly records: readonly ExportedLine[]
  readonly recipients: readonly string[]
  readonly next: number | null
}

/** All pages together. */
export interface ExportedSubject extends Omit<ExportedPage, 'next'> {
  readonly subject: string
}

export interface ExportedNow {
  readonly facts: Readonly<Record<string, { readonly value: unknown; readonly as_of: string }>>
  readonly strikes: readonly {
    readonly id: string
    readonly category: string
    readonly severity: string
    readonly issued_at: string
    readonly expires_at?: string
    readonly status: string
    readonly source?: { readonly system: string; readonly kind: string }
  }[]
  readonly restrictions: readonly {
    readonly id: string
    readonly rule: string
    readonly from: string
    readonly until: string
    readonly kept: boolean
    readonly text: Readonly<Record<string, string>>
    readonly appeal?: { readonly url: string; readonly until?: string }
  }[]
  readonly broadcasts: readonly { readonly stream: string; readonly lease_until: string }[]
  readonly legal_hold?: { readonly until: string; readonly basis: string }
  readonly retention: readonly { readonly what: string; readonly days: number | null }[]
  readonly rights: readonly string[]
}

export interface ExportedLine {
  readonly id: string
  readonly kind: string
  readonly at: string
  readonly contents: 'stored' | 'removed'
  readonly caller?: string
  readonly stream?: string
  readonly outcome?: string
  readonly until?: string
  readonly rules?: readonly string[]
  readonly reasons?: readonly {
    readonly rule: string
    readonly text: Readonly<Record<string, string>>
  }[]
}
