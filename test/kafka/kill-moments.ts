/** Steps of the commit of an epoch at which a process is killed. */
export const killMoments = [
  'before the flush',
  'after prepare',
  'before EndTxn',
  'EndTxn sent',
  'after EndTxn',
] as const

export type KillMoment = (typeof killMoments)[number]

export function isKillMoment(text: string): text is KillMoment {
  return (killMoments as readonly string[]).includes(text)
}

/** What happens to the brokers while a process stands at its step. */
export const brokerStates = ['calm', 'killed', 'paused', 'coordinator moved'] as const

export type BrokerCondition = (typeof brokerStates)[number]
