import type { Expression } from '../expr/expression.ts'
import type { JoinKey, LogicalPlan, NamedExpression, SortKey } from './logical.ts'

type Change = (expression: Expression) => Expression

/** The node with each of its own expressions changed; the node itself if none was. */
export function mapExpressions(node: LogicalPlan, change: Change): LogicalPlan {
  switch (node.kind) {
    case 'filter': {
      const predicate = change(node.predicate)
      return predicate === node.predicate ? node : { ...node, predicate }
    }
    case 'project': {
      const columns = changed(node.columns, (column) => namedChanged(column, change))
      return columns === node.columns ? node : { ...node, columns }
    }
    case 'generate': {
      const expression = change(node.expression)
      return expression === node.expression ? node : { ...node, expression }
    }
    case 'window': {
      const time = change(node.time)
      return time === node.time ? node : { ...node, time }
    }
    case 'session': {
      const time = change(node.time)
      const gap = change(node.gap)
      return time === node.time && gap === node.gap ? node : { ...node, time, gap }
    }
    case 'aggregate': {
      const keys = changed(node.keys, (key) => namedChanged(key, change))
      const aggregates = changed(node.aggregates, (one) => {
        const { call } = one
        const args = changed(call.args, change)
        const filter = call.filter && change(call.filter)
        if (args === call.args && filter === call.filter) return one
        return { ...one, call: { ...call, args, ...(filter === undefined ? {} : { filter }) } }
      })
      const same = keys === node.keys && aggregates === node.aggregates
      return same ? node : { ...node, keys, aggregates }
    }
    case 'join': {
      const keys = keysChanged(node.keys, change)
      const condition = node.condition && change(node.condition)
      if (keys === node.keys && condition === node.condition) return node
      return { ...node, keys, ...(condition === undefined ? {} : { condition }) }
    }
    case 'asofJoin': {
      const keys = keysChanged(node.keys, change)
      return keys === node.keys ? node : { ...node, keys }
    }
    case 'sort': {
      const keys = changed(node.keys, (key) => sortKeyChanged(key, change))
      return keys === node.keys ? node : { ...node, keys }
    }
    case 'topN': {
      const partition = changed(node.partition, change)
      const order = changed(node.order, (key) => sortKeyChanged(key, change))
      const same = partition === node.partition && order === node.order
      return same ? node : { ...node, partition, order }
    }
    default:
      return node
  }
}

function keysChanged(keys: readonly JoinKey[], change: Change): readonly JoinKey[] {
  return changed(keys, (key) => {
    const left = change(key.left)
    const right = change(key.right)
    return left === key.left && right === key.right ? key : { ...key, left, right }
  })
}

function namedChanged(named: NamedExpression, change: Change): NamedExpression {
  const expression = change(named.expression)
  return expression === named.expression ? named : { ...named, expression }
}

function sortKeyChanged(key: SortKey, change: Change): SortKey {
  const expression = change(key.expression)
  return expression === key.expression ? key : { ...key, expression }
}

function changed<T>(items: readonly T[], change: (item: T) => T): readonly T[] {
  const after = items.map(change)
  return after.every((item, index) => item === items[index]) ? items : after
}
