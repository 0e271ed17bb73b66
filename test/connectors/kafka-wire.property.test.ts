import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  commonVersion,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../src/connectors/kafka/protocol/api.ts'
import { apiVersionsApi, metadataApi } from '../../src/connectors/kafka/protocol/cluster-api.ts'
import { WireFault } from '../../src/connectors/kafka/protocol/wire-fault.ts'
import { WireReader } from '../../src/connectors/kafka/protocol/wire-reader.ts'
import { WireWriter } from '../../src/connectors/kafka/protocol/wire-writer.ts'
import { everyVersion } from './kafka-wire-samples.ts'

test.each(everyVersion)('$name in version $version is read as it was written', (each) => {
  const { api, version, isNewest, request, response } = each
  const asked = decodeRequest(api, version, encodeRequest(api, version, request))
  const answered = decodeResponse(api, version, encodeResponse(api, version, response))
  // Older versions have no room for some of it.
  if (!isNewest) return
  expect(asked).toMatchObject(request as object)
  expect(answered).toMatchObject(response as object)
})

test('numbers of every size are read as they were written', () => {
  const safe = fc.maxSafeInteger()
  fc.assert(
    fc.property(safe, fc.nat(2 ** 31 - 1), fc.integer(), (long, size, int) => {
      const writer = new WireWriter(1)
      writer.int64(long)
      writer.uvarint(size)
      writer.int32(int)
      const reader = new WireReader(writer.finish())
      expect([reader.int64(), reader.uvarint(), reader.int32()]).toEqual([long, size, int])
      expect(() => reader.int8()).toThrow(WireFault)
    }),
  )
  const beyond = new Uint8Array(8).fill(0x7f)
  expect(() => new WireReader(beyond).int64()).toThrow(WireFault)
})

test('tagged fields that are known are read, and others are passed over', () => {
  const request = { softwareName: 'a', softwareVersion: '1' }
  const asked = encodeRequest(apiVersionsApi, 3, request)
  expect([...asked]).toEqual([2, 97, 2, 49, 0])
  const writer = new WireWriter()
  writer.int16(0)
  writer.uvarint(1)
  writer.int32(0)
  writer.uvarint(2)
  // One that nobody knows, and the features that the cluster has agreed upon.
  writer.uvarint(1)
  writer.uvarint(3)
  writer.raw(Uint8Array.of(9, 9, 9))
  writer.uvarint(2)
  const name = new TextEncoder().encode('transaction.version')
  writer.uvarint(name.length + 7)
  writer.uvarint(2)
  writer.uvarint(name.length + 1)
  writer.raw(name)
  writer.int16(2)
  writer.int16(0)
  writer.uvarint(0)
  expect(decodeResponse(apiVersionsApi, 3, writer.finish())).toMatchObject({
    apis: [],
    finalizedFeatures: [{ name: 'transaction.version', newest: 2, oldest: 0 }],
  })
})

test('the newest version that both have is spoken', () => {
  expect(commonVersion(metadataApi, { oldest: 0, newest: 9 })).toBe(9)
  expect(commonVersion(metadataApi, { oldest: 0, newest: 99 })).toBe(12)
  expect(commonVersion(metadataApi, { oldest: 13, newest: 14 })).toBeUndefined()
  expect(commonVersion(metadataApi, { oldest: 0, newest: 4 })).toBeUndefined()
  expect(commonVersion(metadataApi, undefined)).toBeUndefined()
})
