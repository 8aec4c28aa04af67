/** The operator's log. `fields` never hold secrets; outside text in them is data, never part of the message. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
