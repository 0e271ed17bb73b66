import type { Column } from './batch.ts'
import { type ColumnBuilder, ValidityBuilder, wrongKind } from './column-builder.ts'
import type { MapValue, Value } from './value.ts'

/** What every nested builder shares: no scalar appends, nulls, and a count of rows. */
abstract class NestedBuilder implements ColumnBuilder {
  length = 0
  protected readonly nulls = new ValidityBuilder()

  abstract append(value: Value): void
  abstract finish(): Column
  abstract appendNull(): void

  appendNumber(): void {
    wrongKind('appendNumber')
  }

  appendUtf8(): void {
    wrongKind('appendUtf8')
  }

  appendBoolean(): void {
    wrongKind('appendBoolean')
  }
}

/** Arrays: offsets into the elements of all rows. */
export class ListBuilder extends NestedBuilder {
  readonly #child: ColumnBuilder
  readonly #offsets: number[] = [0]

  constructor(child: ColumnBuilder) {
    super()
    this.#child = child
  }

  override append(value: Value): void {
    if (value === null) {
      this.appendNull()
      return
    }
    for (const element of value as readonly Value[]) this.#child.append(element)
    this.#offsets.push(this.#child.length)
    this.length++
  }

  override appendNull(): void {
    this.nulls.setNull(this.length++)
    this.#offsets.push(this.#child.length)
  }

  override finish(): Column {
    const column: Column = {
      layout: 'list',
      offsets: Int32Array.from(this.#offsets),
      child: this.#child.finish(),
      ...this.nulls.finish(this.length),
    }
    this.#offsets.length = 1
    this.length = 0
    return column
  }
}

/** Maps: offsets into the keys and values of all rows, entries in the order given. */
export class MapBuilder extends NestedBuilder {
  readonly #keys: ColumnBuilder
  readonly #values: ColumnBuilder
  readonly #offsets: number[] = [0]

  constructor(keys: ColumnBuilder, values: ColumnBuilder) {
    super()
    this.#keys = keys
    this.#values = values
  }

  override append(value: Value): void {
    if (value === null) {
      this.appendNull()
      return
    }
    for (const [key, item] of (value as MapValue).entries) {
      this.#keys.append(key)
      this.#values.append(item)
    }
    this.#offsets.push(this.#keys.length)
    this.length++
  }

  override appendNull(): void {
    this.nulls.setNull(this.length++)
    this.#offsets.push(this.#keys.length)
  }

  override finish(): Column {
    const column: Column = {
      layout: 'map',
      offsets: Int32Array.from(this.#offsets),
      keys: this.#keys.finish(),
      values: this.#values.finish(),
      ...this.nulls.finish(this.length),
    }
    this.#offsets.length = 1
    this.length = 0
    return column
  }
}

/** Structs: one child per field; a null struct has null fields below it. */
export class StructBuilder extends NestedBuilder {
  readonly #children: readonly ColumnBuilder[]

  constructor(children: readonly ColumnBuilder[]) {
    super()
    this.#children = children
  }

  override append(value: Value): void {
    if (value === null) {
      this.appendNull()
      return
    }
    const fields = value as readonly Value[]
    for (let index = 0; index < this.#children.length; index++) {
      this.#children[index]?.append(fields[index] ?? null)
    }
    this.length++
  }

  override appendNull(): void {
    this.nulls.setNull(this.length++)
    for (const child of this.#children) child.appendNull()
  }

  override finish(): Column {
    const column: Column = {
      layout: 'struct',
      children: this.#children.map((child) => child.finish()),
      ...this.nulls.finish(this.length),
    }
    this.length = 0
    return column
  }
}

/** Columns of NULL without a type: only their length counts. */
export class VoidBuilder extends NestedBuilder {
  override append(): void {
    this.length++
  }

  override appendNull(): void {
    this.length++
  }

  override finish(): Column {
    this.length = 0
    return { layout: 'void' }
  }
}
