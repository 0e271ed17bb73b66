/** Plain data that survives `JSON.stringify` and `JSON.parse` unchanged; positions and manifests are made of it. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }
