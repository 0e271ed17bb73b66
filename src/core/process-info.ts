/** A process as a lock file names it. */
export interface ProcessName {
  readonly pid: number
  /** Tells two processes with the same pid apart; '' where the platform does not say. */
  readonly startTime: string
  /** The same until the machine restarts; '' where the platform does not say. */
  readonly bootId: string
}

/** This process, and whether another one on this machine still runs. */
export interface ProcessInfo extends ProcessName {
  /** `false` only if it certainly runs no more; asked for processes of the same boot. */
  isAlive(other: ProcessName): Promise<boolean>
}
