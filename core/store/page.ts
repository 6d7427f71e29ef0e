/** The part of a long list that is wanted, in the order of its ids. */
export interface Page {
  /** Rows at most, 1 or more. */
  readonly limit: number
  /** What comes after this id; from the start when absent. */
  readonly after?: string | undefined
}
