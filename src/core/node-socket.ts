import { connect as connectTo } from 'node:net'
import type { Connect } from './socket.ts'

/** TCP of the machine. */
export const nodeConnect: Connect = (address, events) => {
  let isOver = false
  let failure: unknown
  const socket = connectTo({ host: address.host, port: address.port })
  socket.on('connect', () => {
    if (!isOver) events.connected()
  })
  socket.on('data', (bytes) => {
    if (!isOver) events.received(bytes)
  })
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('close', () => {
    if (isOver) return
    isOver = true
    events.closed(failure)
  })
  return {
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close() {
      isOver = true
      socket.destroy()
    },
  }
}
