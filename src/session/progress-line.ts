import type { StreamingQueryProgress } from '../dataframe/progress.ts'
import type { Terminal } from './ports.ts'

/** Shows what a query does in one line that is overwritten; quiet when nobody looks. */
export function progressLine(
  terminal: Terminal,
  mode: 'auto' | 'on' | 'off',
): (name: string, progress: StreamingQueryProgress) => void {
  if (mode === 'off' || (mode === 'auto' && !terminal.isInteractive)) return () => undefined
  let rows = 0
  return (name, progress) => {
    rows += progress.numInputRows
    const rate = progress.processedRowsPerSecond
    const watermark = progress.eventTime.watermark
    const parts = [
      `${name}: epoch ${progress.batchId}`,
      `${rows.toLocaleString('en')} rows`,
      ...(rate === undefined ? [] : [`${Math.round(rate).toLocaleString('en')} rows/s`]),
      ...(watermark === undefined ? [] : [`watermark ${watermark}`]),
    ]
    terminal.status(parts.join(', '))
  }
}
