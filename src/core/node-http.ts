import type { Http } from './http.ts'

/** Nothing that is asked for here is longer; a server that sends more is not the one that was meant. */
const answerBytesMax = 16 * 1024 * 1024

/** HTTP and HTTPS by the `fetch` of Node, with the certificates that Node trusts. */
export const nodeHttp: Http = async ({ method, url, headers, body, signal }) => {
  try {
    const response = await fetch(url, {
      method,
      headers,
      signal,
      ...(body === undefined ? {} : { body }),
    })
    return { status: response.status, text: await textOf(response) }
  } catch (thrown) {
    // `fetch failed` says nothing: what happened is in the cause.
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
    throw cause === thrown ? thrown : new Error(failureText(cause), { cause: thrown })
  }
}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let length = 0
  let text = ''
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > answerBytesMax) throw new Error(`the answer has over ${answerBytesMax} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** Where a name has several addresses, the error of each lies inside. */
function failureText(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(failureText).join('; ')
  return cause instanceof Error ? cause.message : String(cause)
}
