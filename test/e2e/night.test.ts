/**
 * A night in the Tower: played by a script on a real Evennia with everything real, and written down for each player.
 * docs/night/README.md tells the story and how to read the transcripts.
 *
 *   TOWERWATCH_NIGHT_PLAYERS=20   more players, who only listen
 *   TOWERWATCH_NIGHT_KEEP=1       keeps tonight's transcripts in docs/night instead of comparing with them
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AlertRecord } from '../../src/ports/ledger.ts'
import { CAST, listeners, type Role } from './night/cast.ts'
import { isOfTheGame, saidByColourAlone, says, timesFor } from './night/judge.ts'
import { letIn, letInUsher } from './night/let-in.ts'
import { type Player, type Recorder, startRecorder } from './night/recorder.ts'
import { type House, openHouse } from './night/seats.ts'
import { FLEET_CHANGES, MORE_CONFIG, playNight } from './night/story.ts'
import { differences, transcriptOf } from './night/transcript.ts'
import { openStage, type Stage } from './stage.ts'

const folder = join(import.meta.dirname, '..', '..', 'docs', 'night')
const playerCount = Number(process.env['TOWERWATCH_NIGHT_PLAYERS'] ?? CAST.length)
const roles: Role[] = [...CAST, ...listeners(Math.max(0, playerCount - CAST.length))]

let stage: Stage
let house: House
let players: Player[]
let night: Recorder
/** All that the watch has told, oldest first. */
let alerts: AlertRecord[]

beforeAll(async () => {
  stage = await openStage({ changes: FLEET_CHANGES, moreConfig: MORE_CONFIG })
  house = openHouse(stage.game)
  const watchIsBack = await letInUsher(stage.game, house)
  players = await letIn(stage.game, house, roles)
  night = startRecorder(players)
  await night.begin()
  await playNight(stage, night, watchIsBack)
  // To somebody of whom the ledger knows nothing, all of them are untold.
  alerts = stage.ledger((ledger) => ledger.untold('nobody', 1_000))
}, 900_000)

afterAll(async () => {
  await house?.close()
  await stage?.close()
})

const wholeNight = (name: string) => night.scenes.flatMap(({ heard }) => heard.get(name) ?? [])
const isOfTheFleet = ({ kind }: AlertRecord) => kind === 'problem' || kind === 'recovery'

it('tells of three deaths, two of them in one line, of a lost host and of their ends, and of nothing that a silence covers', () => {
  const about = (kind: AlertRecord['kind']) =>
    alerts.filter((alert) => alert.kind === kind).flatMap(({ subjects }) => subjects.map(({ kind: what, id }) => `${what} ${id}`))
  expect(alerts.filter(({ kind }) => kind === 'problem')).toHaveLength(3)
  expect(about('problem')).toEqual(['agent bezalel', 'agent timmy', 'agent code-claw', 'host ezra'])
  expect(about('recovery').sort()).toEqual([...about('problem')].sort())
})

it('each player reads each of it exactly as often as he wants to, over two reloads', () => {
  const read = roles.map(({ name }) => ({
    name,
    times: alerts.map((alert) => `${wholeNight(name).filter((line) => says(line, alert)).length}× ${alert.text}`),
  }))
  const wanted = roles.map((role) => ({ name: role.name, times: alerts.map((alert) => `${timesFor(role, alert)}× ${alert.text}`) }))
  expect(read).toEqual(wanted)
})

it('each player reads it in the order in which it happened', () => {
  const told = alerts.filter(isOfTheFleet)
  for (const { name } of roles) {
    const order = wholeNight(name).flatMap((line) => told.findIndex((alert) => says(line, alert)))
    const read = order.filter((index, place) => index !== -1 && order.indexOf(index) === place)
    expect({ name, read }).toEqual({ name, read: told.map((_, index) => index) })
  }
})

it('who types nothing reads what the watch and the game tell everybody, and nothing that is meant for another', () => {
  const strange = night.scenes.flatMap(({ title, typed, heard }) =>
    [...heard]
      .filter(([name]) => !typed.some(({ who }) => who === name))
      .flatMap(([name, lines]) =>
        lines
          .filter((line) => !isOfTheGame(line) && !alerts.some((alert) => says(line, alert)))
          .map((line) => `${name}, "${title}": ${line}`),
      ),
  )
  expect(strange).toEqual([])
})

it('no colour says anything that the words do not', () => {
  // Of the night alone: what the game says at a login has colours that mean nothing.
  const coloured = players.flatMap(({ role, seat }) => {
    const heard = new Set(wholeNight(role.name))
    return (seat.readColoured?.() ?? []).filter((line) => heard.has(stripVTControlCharacters(line).trimEnd()))
  })
  expect(coloured.filter((line) => line.includes('\u001b[')).length).toBeGreaterThan(10)
  expect(saidByColourAlone(coloured)).toEqual([])
})

it('what was heard stands on the screens of the programs, too', async () => {
  const bare = (text: string) => text.replace(/\s/g, '')
  for (const { role, seat } of players) {
    if (!seat.screen) continue
    const screen = bare(await seat.screen())
    const missing = alerts.filter((alert) => timesFor(role, alert) > 0 && !screen.includes(bare(alert.text)))
    expect({ name: role.name, missing }).toEqual({ name: role.name, missing: [] })
  }
})

it('leaves no traceback in the logs of the game, and its watch was never started again', () => {
  const logs = `${stage.game.log('portal')}\n${stage.game.log('server')}`
  expect(logs.split('\n').filter((line) => /Traceback|Error\b|Unhandled|Towerwatch: .* could not/.test(line))).toEqual([])
  expect(stage.printed.filter((line) => /watch (ended|is back)/.test(line))).toEqual([])
})

it('gives the transcripts that are kept in docs/night', () => {
  const files = CAST.map((role) => ({ name: `${role.name}.txt`, text: transcriptOf(role, night.scenes) }))
  if (process.env['TOWERWATCH_NIGHT_KEEP'] === '1') {
    mkdirSync(folder, { recursive: true })
    for (const { name, text } of files) writeFileSync(join(folder, name), text)
  }
  expect(readdirSync(folder).filter((name) => name.endsWith('.txt'))).toEqual(files.map(({ name }) => name).sort())
  const found = files.flatMap(({ name, text }) =>
    differences(readFileSync(join(folder, name), 'utf8'), text).map((line) => `${name}: ${line}`),
  )
  const how = 'If that is how it should be: TOWERWATCH_NIGHT_KEEP=1 npx vitest run test/e2e/night.test.ts, and look at what has changed.'
  expect(found, `Tonight differs from docs/night (+ tonight only, - missing tonight). ${how}`).toEqual([])
})
