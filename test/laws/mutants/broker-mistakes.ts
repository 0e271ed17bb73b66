import type { PlantedFault } from './faults.ts'

/** Mistakes about transactions in a broker, and about the word of a sink. */
export const brokerMistakes: readonly PlantedFault[] = [
  {
    name: 'a commit ends every open transaction',
    area: 'sink',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: "  await endTransaction(own, slot, 'commit')\n  own.committed = epoch",
    replace:
      "  for (const each of own.slots.toReversed()) {\n    if (each.epoch !== undefined) await endTransaction(own, each, 'commit')\n  }\n  own.committed = epoch",
    gates: ['G1T'],
  },
  {
    name: 'epoch N+1 is committed before N',
    area: 'sink',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: "  await endTransaction(own, slot, 'commit')\n  own.committed = epoch",
    replace:
      "  const later = own.slots[(epoch + 1) % own.slots.length]\n  const isReady = later?.epoch !== undefined && own.written?.epoch === later.epoch\n  if (later !== undefined && isReady) await endTransaction(own, later, 'commit')\n  await endTransaction(own, slot, 'commit')\n  if (later !== undefined && isReady) later.epoch = nextEpoch(epoch)\n  own.committed = epoch",
    gates: ['G1T'],
  },
  {
    name: 'the marker is read before older processes are fenced',
    area: 'recovery',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: '  for (const slot of own.slots) await initialise(own, slot, undefined)\n  // Read before that, it might be the marker of an epoch that an older process is about to replace.\n  own.written = await readMarker(own)',
    replace:
      '  own.written = await readMarker(own)\n  for (const slot of own.slots) await initialise(own, slot, undefined)',
    gates: ['G1T'],
  },
  {
    name: 'the marker is read without waiting for a stable one',
    area: 'recovery',
    file: 'src/connectors/kafka/cluster-requests.ts',
    find: 'requireStable: true',
    replace: 'requireStable: false',
    gates: ['G1T', 'G1B'],
  },
  {
    name: 'the marker is committed outside of the transaction',
    area: 'sink',
    file: 'properties/virtual-broker-transactions.ts',
    find: '          commitOffset(\n            meeting.state,\n            producerOf(owner),\n            { group, topic, partition },\n            { offset, metadata, begins: meeting.version >= secondTransactions.txnOffsetCommit },\n          ),',
    replace:
      '          commitPlainOffset(meeting.state, { group, topic, partition }, { offset, metadata }),',
    gates: ['G1T', 'G1B'],
  },
  {
    name: 'a marker whose answer was lost is sent again',
    area: 'sink',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: '  if (await writeMarker(own, slot, checkpoint)) return\n',
    replace:
      '  while (!(await writeMarker(own, slot, checkpoint)));\n  if (slot.epoch === epoch) return\n',
    gates: ['G1T'],
  },
  {
    name: 'a commit of unknown outcome is taken for done',
    area: 'sink',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: "  await endTransaction(own, slot, 'commit')\n  own.committed = epoch",
    replace:
      "  await endTransaction(own, slot, 'commit').catch(() => undefined)\n  own.committed = epoch",
    gates: ['G1T', 'G1B'],
  },
  {
    name: 'a lost answer is taken for a good one',
    area: 'sink',
    file: 'src/connectors/kafka/transaction-requests.ts',
    find: "return isLost ? 'lost' : 'refused'",
    replace: "return isLost ? 'done' : 'refused'",
    gates: ['G1T', 'G1B'],
  },
  {
    name: 'slots are fenced when they are first used',
    area: 'recovery',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: '  for (const slot of own.slots) await initialise(own, slot, undefined)\n',
    replace:
      '  for (const slot of own.slots) slot.isSuspect = slot !== own.slots[0]\n  for (const slot of own.slots.slice(0, 1)) await initialise(own, slot, undefined)\n',
    gates: ['G1T'],
  },
  {
    name: 'a slot that was taken over is taken back by a zombie',
    area: 'recovery',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: 'await initialise(own, slot, slot.producer)',
    replace: 'await initialise(own, slot, undefined)',
    gates: ['G1T'],
  },
  {
    name: 'a transaction begins while a lost request may still end it',
    area: 'sink',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: '  if (slot.isSuspect) await renew(own, slot)\n  slot.epoch = epoch',
    replace: '  slot.epoch = epoch',
    gates: ['G1T'],
  },
  {
    name: 'the initial checkpoint has no marker',
    area: 'recovery',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: '  while (own.written?.snapshotId !== base.snapshotId) {',
    replace: '  while (own.written !== undefined && own.written.snapshotId !== base.snapshotId) {',
    gates: ['G1T', 'G1B'],
  },
  {
    name: 'a coordinator that is away has no marker',
    area: 'recovery',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: '    if (error === kafkaError.none) found = offset\n',
    replace: '    found = offset\n    if (Number.isInteger(error)) return kafkaError.none\n',
    gates: ['G1T', 'G1B'],
  },
  {
    name: 'sequence numbers begin anew in every batch',
    area: 'sink',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: '  slot.sequences.set(partition, sequence + count)',
    replace: '  slot.sequences.set(partition, sequence + 0 * count)',
    gates: ['G1T', 'G1B'],
  },
  {
    name: 'an epoch without rows has no marker',
    area: 'sink',
    file: 'src/connectors/kafka/epoch-transactions.ts',
    find: '  const slot = await begun(own, epoch)\n  if (await writeMarker',
    replace:
      '  if (slotOf(own, epoch).epoch !== epoch) return\n  const slot = await begun(own, epoch)\n  if (await writeMarker',
    gates: ['G1T', 'G1B'],
  },
  {
    name: 'partitions of a fleet share their transactional ids',
    area: 'sink',
    file: 'src/session/fleet.ts',
    find: 'queryId: ',
    replace: "queryId: charter.id !== '' ? charter.id : ",
    gates: ['G3P'],
  },
  {
    name: 'a manifest that never stood is not taken back',
    area: 'recovery',
    file: 'src/runtime/query.ts',
    find: 'if (found.voids !== undefined) await log.append(found.voids)',
    replace: 'if (found.voids === undefined) await Promise.resolve()',
    gates: ['G1B'],
  },
  {
    name: 'the newest manifest stands whatever the sink says',
    area: 'recovery',
    file: 'src/runtime/open-sinks.ts',
    find: 'isAnother ? undefined : word',
    replace: "isAnother || word !== 'none' ? undefined : word",
    gates: ['G1B'],
  },
]
