import type { Clock } from './clock.ts'

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

/** What an exchange that is given up in time takes. */
export interface HttpWorld {
  readonly http: Http
  readonly clock: Clock
}

/**
 * The answer to a request, if it comes in time.
 * @throws Error when there is none within `timeoutMs`, or at all
 */
export async function answerWithin(
  timeoutMs: number,
  request: Omit<HttpRequest, 'signal'>,
  { http, clock }: HttpWorld,
): Promise<HttpAnswer> {
  const controller = new AbortController()
  const late = new Error(`no answer within ${timeoutMs} ms`)
  let stopWaiting = (): void => {}
  // The port may take its time to give up: nobody waits for it.
  const timeout = new Promise<never>((_, reject) => {
    stopWaiting = clock.after(timeoutMs, () => {
      controller.abort(late)
      reject(late)
    })
  })
  try {
    return await Promise.race([http({ ...request, signal: controller.signal }), timeout])
  } finally {
    stopWaiting()
  }
}

/** The header of a client with a name and a password. */
export function basicAuthorization(userInfo: string): { readonly Authorization: string } {
  return { Authorization: `Basic ${Buffer.from(userInfo, 'utf8').toString('base64')}` }
}
