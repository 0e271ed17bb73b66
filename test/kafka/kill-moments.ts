/** Steps of the commit of an epoch at which something happens to a process. */
export const killMoments = [
  // It is killed as it is about to send rows.
  'before the flush',
  // As it has put the marker into the transaction.
  'after prepare',
  // As its checkpoint is there and the transaction is to be ended.
  'before EndTxn',
  // As the transaction has ended, and it does not know: a proxy has kept the answer.
  'EndTxn sent',
  // As it knows, and has not noted it.
  'after EndTxn',
  // It lives on, and has lost its connection in place of the answer.
  'answer lost',
] as const

export type KillMoment = (typeof killMoments)[number]

export function isKillMoment(text: string): text is KillMoment {
  return (killMoments as readonly string[]).includes(text)
}

/** What happens to the brokers while a process stands at its step. */
export const brokerStates = ['calm', 'killed', 'paused', 'coordinator moved'] as const

export type BrokerCondition = (typeof brokerStates)[number]
