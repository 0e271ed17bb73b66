import { type Column, type ColumnOrLiteral, type ColumnOrName, callOf, nameOf } from './column.ts'
import { ofColumn, ofColumns, ofTwo, optional, withValues } from './functions-core.ts'
import { literal } from './literal.ts'

/** Upper case. */
export const upper = ofColumn('upper')
/** Lower case. */
export const lower = ofColumn('lower')
/** The first letter of each word in upper case, the others in lower case. */
export const initcap = ofColumn('initcap')
/** How many characters of a text, or bytes. */
export const length = ofColumn('length')
/** How many bytes. */
export const octet_length = ofColumn('octet_length')
/** How many bits. */
export const bit_length = ofColumn('bit_length')
/** Without spaces at both ends. */
export const trim = ofColumn('trim')
/** Without spaces at the beginning. */
export const ltrim = ofColumn('ltrim')
/** Without spaces at the end. */
export const rtrim = ofColumn('rtrim')
/** Without the given characters (default spaces) at both ends. */
export const btrim = withValues<[characters?: ColumnOrLiteral]>('btrim')
/** Characters from the 1-based position, counted from the end when negative. */
export const substring =
  withValues<[position: ColumnOrLiteral, length: ColumnOrLiteral]>('substring')
/** The same as `substring`, with the length optional. */
export const substr = withValues<[position: ColumnOrLiteral, length?: ColumnOrLiteral]>('substring')
/** The first characters. */
export const left = withValues<[count: ColumnOrLiteral]>('left')
/** The last characters. */
export const right = withValues<[count: ColumnOrLiteral]>('right')
/** True where the first text holds the second. */
export const contains = ofTwo('contains')
/** True where the first text begins with the second. */
export const startswith = ofTwo('startswith')
/** True where the first text ends with the second. */
export const endswith = ofTwo('endswith')
/** The 1-based position of a part, 0 where it is not there. */
export const instr = withValues<[part: ColumnOrLiteral]>('instr')
/** The 1-based position of a part from a position on, 0 where it is not there. */
export const locate = (part: string, text: ColumnOrName, position?: number): Column =>
  callOf('locate', literal(part), nameOf(text), ...optional(position))
/** Filled up at the beginning, or cut, to a length. */
export const lpad = withValues<[length: ColumnOrLiteral, filling: ColumnOrLiteral]>('lpad')
/** Filled up at the end, or cut, to a length. */
export const rpad = withValues<[length: ColumnOrLiteral, filling: ColumnOrLiteral]>('rpad')
/** The text several times. */
export const repeat = withValues<[times: ColumnOrLiteral]>('repeat')
/** Every occurrence of a text replaced by another, or left out; the last two are columns or names. */
export const replace = ofColumns('replace')
/** Characters replaced one by one. */
export const translate = withValues<[from: string, to: string]>('translate')
/** Everything before the n-th separator; after it, counted from the end, when negative. */
export const substring_index = withValues<[separator: string, count: number]>('substring_index')
/** The n-th part, from 1, or from the end when negative; empty where there is none. */
export const split_part =
  withValues<[separator: ColumnOrLiteral, part: ColumnOrLiteral]>('split_part')
/** The parts between matches of a regular expression; `limit` > 0 makes at most so many. */
export const split = withValues<[pattern: ColumnOrLiteral, limit?: ColumnOrLiteral]>('split')
/** One text after the other; NULL if any is. Also joins arrays. */
export const concat = ofColumns('concat')
/** Texts with a separator between them; NULLs are left out. */
export const concat_ws = (separator: string, ...columns: readonly ColumnOrName[]): Column =>
  callOf('concat_ws', literal(separator), ...columns.map(nameOf))
/** The code of the first character. */
export const ascii = ofColumn('ascii')
/** The character of a code. */
export const chr = ofColumn('chr')
/** How many characters have to change to make one text the other. */
export const levenshtein = ofTwo('levenshtein')
/** SQL LIKE. */
export const like = ofTwo('like')
/** LIKE without regard to letter case. */
export const ilike = ofTwo('ilike')
/** True where the regular expression matches somewhere. */
export const rlike = ofTwo('rlike')
/** The same as `rlike`. */
export const regexp_like = ofTwo('rlike')
/** A group of the first match, empty where there is none; group 0 is the whole match. */
export const regexp_extract = withValues<[pattern: string, group: number]>('regexp_extract')
/** A group of every match. */
export const regexp_extract_all =
  withValues<[pattern: ColumnOrLiteral, group?: ColumnOrLiteral]>('regexp_extract_all')
/** Every match replaced; `$1` in the replacement is a group. */
export const regexp_replace =
  withValues<[pattern: ColumnOrLiteral, replacement: ColumnOrLiteral]>('regexp_replace')
/** How many matches. */
export const regexp_count = withValues<[pattern: ColumnOrLiteral]>('regexp_count')
/** The first match, NULL where there is none. */
export const regexp_substr = withValues<[pattern: ColumnOrLiteral]>('regexp_substr')
/** Bytes as base64 text. */
export const base64 = ofColumn('base64')
/** Base64 text as bytes. */
export const unbase64 = ofColumn('unbase64')
/** Text as bytes of a character set. */
export const encode = withValues<[charset: string]>('encode')
/** Bytes of a character set as text. */
export const decode = withValues<[charset: string]>('decode')
/** Text in the form of URLs. */
export const url_encode = ofColumn('url_encode')
/** Text from the form of URLs. */
export const url_decode = ofColumn('url_decode')
/** MD5 as hexadecimal text. */
export const md5 = ofColumn('md5')
/** SHA-1 as hexadecimal text. */
export const sha1 = ofColumn('sha1')
/** SHA-2 of 224, 256, 384 or 512 bits as hexadecimal text; 0 is 256. */
export const sha2 = withValues<[bits: number]>('sha2')
/** CRC32 of bytes. */
export const crc32 = ofColumn('crc32')
/** Spark's 32-bit hash of several columns. */
export const hash = ofColumns('hash')
/** Spark's 64-bit hash of several columns. */
export const xxhash64 = ofColumns('xxhash64')
/** The same as `upper`. */
export const ucase = ofColumn('upper')
/** The same as `lower`. */
export const lcase = ofColumn('lower')
/** The same as `length`. */
export const char_length = ofColumn('length')
/** The same as `length`. */
export const character_length = ofColumn('length')
/** The same as `chr`. */
export const char = ofColumn('chr')
/** The same as `sha1`. */
export const sha = ofColumn('sha1')
/** The same as `rlike`. */
export const regexp = ofTwo('rlike')
/** The same as `locate`, with the part as a column or name. */
export const position = ofColumns('locate')
