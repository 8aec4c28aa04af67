/**
 * Durable beats a second over HTTP push: the real server before the real ledger on a disk, side by side with a bare server
 * that keeps them in a Map. 1,000 agents over 32 connections, each answered before the next.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { BenchmarkContext, Outcome } from '../benchmark.ts'
import { median } from '../statistics.ts'
import { rssMibOf } from '../tower/usage.ts'
import { type Child, startChild } from './child.ts'

const agents = 1_000
const connections = 32
const rounds = 3
const roundMs = 4_000
const warmUpMs = 1_500
const dawdlers = 1_000

const listening = z.object({ url: z.string() })
const port = z.object({ port: z.number() })
const result = z.object({ answered: z.number(), seqs: z.number(), ms: z.number(), p50Ms: z.number(), p99Ms: z.number() })
const kept = z.object({ beats: z.number() })
const cut = z.object({ cutMs: z.number() })

/**
 * Healthchecks is on no package registry, so it can't be set up here: these are figures of others. The better one is taken.
 * Its author writes of about 250 pings a second of the Python handler.
 */
const healthchecks = {
  perSecond: 374,
  means: 'Healthchecks 3.13, not run here: the best of four set-ups measured on 2 cores in 2026 (its author publishes about 250)',
}

export async function measureBeats({ say, signal }: BenchmarkContext): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'towerwatch-beats-'))
  await using ending = new AsyncDisposableStack()
  ending.defer(() => rmSync(folder, { recursive: true, force: true }))
  const start = (...call: Parameters<typeof startChild>) => {
    const child = startChild(...call)
    ending.defer(() => child.stop())
    return child
  }
  const push = start('beats-push-child.ts', folder, String(agents))
  const pushPort = Number(new URL(listening.parse(await push.hears('url', signal)).url).port)
  const map = start('beats-map-child.ts')
  const mapPort = port.parse(await map.hears('port', signal)).port
  // One for each server: the seqs of the agents go on from round to round.
  const [ours, floor] = [start('beats-load-child.ts'), start('beats-load-child.ts')]

  const load = async (child: Child, to: number, forMs: number) => {
    child.says({ port: to, agents, connections, forMs })
    return result.parse(await child.hears('answered', signal))
  }
  await load(ours, pushPort, warmUpMs)
  await load(floor, mapPort, warmUpMs)
  const found = { ours: [] as z.infer<typeof result>[], floor: [] as z.infer<typeof result>[] }
  for (let round = 1; round <= rounds; round++) {
    found.ours.push(await load(ours, pushPort, roundMs))
    found.floor.push(await load(floor, mapPort, roundMs))
    say(
      `beats: round ${round} of ${rounds}, ${perSecond(found.ours.at(-1)).toFixed(0)} a second, ${found.ours.at(-1)?.p99Ms.toFixed(1)} ms at the 99th percentile`,
    )
  }
  const slow = start('beats-dawdle-child.ts')
  const cutAll = slow.hears('cutMs', signal)
  // Awaited further down; a fault before that is told there.
  cutAll.catch(() => {})
  slow.says({ port: pushPort, connections: dawdlers })
  await slow.hears('dawdling', signal)
  const beside = await load(ours, pushPort, roundMs)
  const { cutMs } = cut.parse(await cutAll)
  say(
    `beats: beside ${dawdlers} connections that dawdle, ${beside.p99Ms.toFixed(1)} ms; the last of those was cut after ${(cutMs / 1_000).toFixed(1)} s`,
  )
  const rssMib = rssMibOf(readFileSync(`/proc/${push.pid}/smaps_rollup`, 'utf8'))
  push.says({})
  const { beats } = kept.parse(await push.hears('beats', signal))
  const posted = beside.seqs
  if (beats !== posted) throw new Error(`the ledger knows the beats up to ${beats}, but ${posted} were answered with OK`)

  const rate = (results: z.infer<typeof result>[]) => median(results.map(perSecond))
  return {
    figures: {
      beats_per_s: {
        value: rate(found.ours),
        unit: '1/s',
        better: 'higher',
        whose: 'ours',
        means: `posted beats, each answered once it is durable: ${agents} agents, ${connections} connections; median of ${rounds} rounds`,
      },
      beats_p50_ms: {
        value: median(found.ours.map(({ p50Ms }) => p50Ms)),
        unit: 'ms',
        better: 'lower',
        whose: 'ours',
        means: 'from the request to the answer, under that load',
      },
      beats_p99_ms: {
        value: median(found.ours.map(({ p99Ms }) => p99Ms)),
        unit: 'ms',
        better: 'lower',
        whose: 'ours',
        means: 'the same, the 99th percentile',
      },
      beats_p99_beside_dawdlers_ms: {
        value: beside.p99Ms,
        unit: 'ms',
        better: 'lower',
        whose: 'ours',
        means: `the same, while ${dawdlers} connections send a byte now and then`,
      },
      dawdlers_cut_ms: { value: cutMs, unit: 'ms', better: 'lower', whose: 'ours', means: 'how long the last of those was open' },
      rss_mib: {
        value: rssMib,
        unit: 'MiB',
        better: 'lower',
        whose: 'ours',
        means: `memory of engine, ledger and server with ${agents} agents, right after that load`,
      },
      map_floor_beats_per_s: {
        value: rate(found.floor),
        unit: '1/s',
        better: 'higher',
        whose: 'floor',
        means: 'the same requests, to a bare node:http server that stores them in a Map',
      },
      map_floor_p99_ms: {
        value: median(found.floor.map(({ p99Ms }) => p99Ms)),
        unit: 'ms',
        better: 'lower',
        whose: 'floor',
        means: 'the same, the 99th percentile',
      },
      healthchecks_published_beats_per_s: {
        value: healthchecks.perSecond,
        unit: '1/s',
        better: 'higher',
        whose: 'theirs',
        means: healthchecks.means,
      },
    },
    comparisons: {
      beats_vs_map_floor: { ours: 'beats_per_s', theirs: 'map_floor_beats_per_s' },
      beats_vs_healthchecks: { ours: 'beats_per_s', theirs: 'healthchecks_published_beats_per_s' },
    },
    leftOut: ['Healthchecks itself: it is on no package registry; its figure is one that others measured, and is so named.'],
  }
}

function perSecond(found: z.infer<typeof result> | undefined): number {
  return found ? (1_000 * found.answered) / found.ms : 0
}
