import type { Registry } from '../connectors/registry.ts'
import type { DataFrame } from '../dataframe/data-frame.ts'
import type { Fleet } from '../dataframe/fleet.ts'
import type { UnresolvedPlan } from '../plan/unresolved-plan.ts'
import type { SessionConfig } from './config.ts'
import type { MemoryTables } from './memory-tables.ts'
import type { SessionPorts } from './ports.ts'
import type { QueryRegistry } from './query-manager.ts'

/** What the parts of a session share. */
export interface Engine {
  readonly config: SessionConfig
  readonly ports: SessionPorts
  readonly registry: Registry
  readonly streams: QueryRegistry
  /** Those that have not ended. */
  readonly fleets: Set<Fleet<DataFrame>>
  readonly views: Map<string, UnresolvedPlan>
  readonly tables: MemoryTables
}
