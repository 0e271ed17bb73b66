import { expect, test } from 'vitest'
import { checkedLibrary, protobufLibrary } from '../../src/codecs/protobuf/protobufjs.ts'

test('a package that is missing is named, and so is one that is another', () => {
  const absent = (): never => {
    throw new Error("Cannot find module 'protobufjs'\nRequire stack:")
  }
  expect(() => checkedLibrary(absent)).toThrow('PACKAGE_MISSING')
  expect(() => checkedLibrary(absent)).toThrow("Cannot find module 'protobufjs'.")
  expect(() => checkedLibrary(absent)).toThrow('npm install protobufjs')
  expect(() => checkedLibrary(() => ({}))).toThrow('it has no parser')
  expect(protobufLibrary().parse).toBeTypeOf('function')
})
