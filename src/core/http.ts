/** One exchange with a server over HTTP; the only way to one. Rejects when there was no answer. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** What a server said, whatever the status. */
export interface HttpAnswer {
  readonly status: number
  readonly text: string
}
