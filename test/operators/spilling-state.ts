export { type SpillingState, spillingState } from '../../properties/spilling-state.ts'
