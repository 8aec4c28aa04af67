import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of this checkout, and where it keeps what it makes while running. */
export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
export const varDir = path.join(root, 'var')
