import { StreamError } from '../core/error.ts'

const quarterHour = 900_000_000
/** Offsets change only at whole quarter hours (since 1972), so one lookup serves all times inside one. */
const offsets = new Map<string, Map<number, number>>()
const offsetsPerZoneMax = 10_000
const formats = new Map<string, Intl.DateTimeFormat>()

/** Microseconds that local time in `zone` is ahead of UTC at an instant. */
export function zoneOffset(zone: string, micros: number): number {
  const fixed = fixedOffset(zone)
  if (fixed !== undefined) return fixed
  let known = offsets.get(zone)
  if (known === undefined || known.size > offsetsPerZoneMax) {
    known = new Map()
    offsets.set(zone, known)
  }
  const slot = Math.floor(micros / quarterHour)
  let offset = known.get(slot)
  if (offset === undefined) {
    offset = lookUp(zone, slot * quarterHour)
    known.set(slot, offset)
  }
  return offset
}

/** Local time in `zone` as UTC. In an overlap the earlier instant, in a gap shifted by its length (Java). */
export function localToUtc(zone: string, local: number): number {
  const day = 86_400_000_000
  const before = zoneOffset(zone, local - day)
  const after = zoneOffset(zone, local + day)
  if (before === after || zoneOffset(zone, local - before) === before) return local - before
  return zoneOffset(zone, local - after) === after ? local - after : local - before
}

function fixedOffset(zone: string): number | undefined {
  if (/^(utc|gmt|z|ut|zulu)$/i.test(zone)) return 0
  const match = /^(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?$/.exec(zone)
  if (match === null) return undefined
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return (match[1] === '-' ? -1 : 1) * minutes * 60_000_000
}

function lookUp(zone: string, micros: number): number {
  const millis = micros / 1000
  const parts: Record<string, number> = {}
  for (const { type, value } of formatOf(zone).formatToParts(millis)) parts[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  const local = Date.UTC(year, month - 1, day, hour, minute, second)
  return (local - Math.floor(millis / 1000) * 1000) * 1000
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
    return format
  } catch (cause) {
    throw new StreamError(
      'CONFIG_INVALID',
      { option: 'time zone', value: zone, expected: "a region such as 'Europe/Rome' or an offset" },
      { cause },
    )
  }
}
