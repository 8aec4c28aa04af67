/*
 * The fleet at the side of a web client: every agent with a bar that shrinks as its heartbeat ages. What the game sends
 * is data (Tower.Fleet, Tower.Agent), and only text is made of it.
 *
 * The list is one stop of the Tab key, however many agents there are; the arrow keys, Home and End go through it.
 */

window.fleetPane = ({ subscribe, look, isOpen: isWantedAtFirst = true }) => {
  const pane = document.getElementById('fleet')
  const list = document.getElementById('fleet-agents')
  const problem = document.getElementById('fleet-problem')
  const toggle = document.getElementById('fleet-toggle')
  const troubleOnly = document.getElementById('fleet-trouble')
  const narrow = window.matchMedia('(max-width: 50em)')

  const SIGNS = { up: '●', late: '◐', down: '✕', unreachable: '⌀', paused: '‖', unknown: '?', new: '○' }
  const CALM = new Set(['up', 'paused', 'new'])
  const REDRAW_MS = 1000
  /** The game ends the feed of a client of which it hears nothing for ten minutes. */
  const RENEW_MS = 4 * 60_000

  /** By id: what was told, when, and where it is shown; in the order in which they are shown. */
  let agents = new Map()
  let isWanted = isWantedAtFirst && !narrow.matches

  function receive(name, data) {
    // Whoever has just logged in, or comes back after a restart, asks.
    if (name === 'logged_in') subscribe()
    else if (name === 'tower_fleet' && Array.isArray(data?.agents)) showAll(data)
    else if (name === 'tower_agent' && agents.has(data?.id)) {
      tell(data)
      draw(agents.get(data.id))
      count()
    }
  }

  function showAll({ agents: told, problem: why, watched }) {
    say(problem, why)
    if (told.length === 0 && !watched) {
      // The game has started anew and knows nobody until the watch calls: who was here is not gone, but unknown.
      lose()
      return
    }
    const ids = new Set(told.map(({ id }) => id))
    for (const [id, { item }] of agents) if (!ids.has(id)) item.remove()
    agents = new Map(told.map((agent) => [agent.id, agents.get(agent.id) ?? build()]))
    told.forEach((agent, index) => {
      tell(agent)
      const { item } = agents.get(agent.id)
      // Moving what has the focus would take the focus from it.
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null)
    })
    for (const agent of agents.values()) draw(agent)
    count()
    if (!list.querySelector('[tabindex="0"]')) stop(shown()[0])
    toggle.hidden = false
    open(isWanted)
  }

  /** Nothing is known of anybody at the moment; `why`, where there is a sentence for it. */
  function lose(why) {
    if (why !== undefined) say(problem, why)
    for (const agent of agents.values()) {
      if (!agent.told) continue
      agent.told = { ...agent.told, state: 'unknown' }
      draw(agent)
    }
    count()
  }

  function tell(told) {
    Object.assign(agents.get(told.id), { told, atMs: performance.now() })
  }

  function build() {
    const [item, button, name, state, sign, word, bar, doing] = 'li button span span span span meter small'
      .split(' ')
      .map((tag) => document.createElement(tag))
    button.type = 'button'
    button.tabIndex = -1
    sign.setAttribute('aria-hidden', 'true')
    state.append(sign, word)
    button.append(name, ' ', state)
    item.append(button, bar, doing)
    const agent = { item, button, name, state, sign, word, bar, doing }
    button.addEventListener('click', () => {
      // On a phone the answer would stand behind the list.
      if (narrow.matches) open(false)
      look(agent.told.id)
    })
    button.addEventListener('focus', () => stop(button))
    return agent
  }

  function draw({ told, atMs, item, button, name, state, sign, word, bar, doing }) {
    const ageMs = told.beatAgeMs < 0 ? undefined : told.beatAgeMs + performance.now() - atMs
    const wholeMs = told.periodMs + told.graceMs
    const isOut = ageMs === undefined || wholeMs <= 0 || told.state === 'unknown'
    const left = isOut ? 0 : Math.max(0, 1 - ageMs / wholeMs)
    const beat = ageMs === undefined ? 'no heartbeat yet' : `last heartbeat ${spoken(ageMs)} ago`
    const why = told.state === 'up' || !told.cause ? '' : ` (${told.cause})`
    say(name, told.name)
    say(sign, `${SIGNS[told.state] ?? '?'} `)
    say(word, told.state)
    put(state, 'className', `state-${told.state}`)
    put(button, 'title', `${told.name} is ${told.state}${why}, ${beat}. Press to look.`)
    put(bar, 'value', left)
    // What has just come in time is told up to two seconds later.
    put(bar, 'low', wholeMs > 0 ? Math.max(0, told.graceMs - 2000) / wholeMs : 0)
    put(bar, 'optimum', 1)
    if (bar.getAttribute('aria-label') !== beat) bar.setAttribute('aria-label', beat)
    say(doing, told.state === 'up' || told.state === 'late' ? told.doing : told.cause || told.doing)
    put(item, 'hidden', troubleOnly.getAttribute('aria-pressed') === 'true' && CALM.has(told.state))
  }

  function spoken(ms) {
    const seconds = Math.round(ms / 1000)
    if (seconds < 120) return `${seconds} s`
    return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
  }

  /** What has not changed is not touched: a screen reader would say it again, and 200 agents would cost a redraw each second. */
  function put(element, property, value) {
    if (element[property] !== value) element[property] = value
  }

  function say(element, text) {
    put(element, 'textContent', String(text ?? ''))
  }

  function count() {
    const states = [...agents.values()].map(({ told }) => told.state)
    const parts = Object.keys(SIGNS).flatMap((state) => {
      const number = states.filter((each) => each === state).length
      return number === 0 ? [] : [`${number} ${state}`]
    })
    say(toggle, `Fleet: ${parts.join(', ') || 'nobody'}`)
    troubleOnly.hidden = agents.size < 10
  }

  /* ---- keys ---- */

  function shown() {
    return [...agents.values()].filter(({ item }) => !item.hidden).map(({ button }) => button)
  }

  /** Where Tab stops. */
  function stop(button) {
    for (const each of list.querySelectorAll('[tabindex="0"]')) each.tabIndex = -1
    if (button) button.tabIndex = 0
  }

  list.addEventListener('keydown', (event) => {
    const buttons = shown()
    const at = buttons.indexOf(event.target)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key]
    if (to === undefined || at === -1) return
    event.preventDefault()
    buttons[Math.max(0, Math.min(buttons.length - 1, to))].focus()
  })

  troubleOnly.addEventListener('click', () => {
    troubleOnly.setAttribute('aria-pressed', String(troubleOnly.getAttribute('aria-pressed') !== 'true'))
    for (const agent of agents.values()) draw(agent)
    if (!shown().some((button) => button.tabIndex === 0)) stop(shown()[0])
  })

  /* ---- open or closed ---- */

  function open(isOpen) {
    if (pane.hidden === !isOpen) return
    pane.hidden = !isOpen
    toggle.setAttribute('aria-expanded', String(isOpen))
    // The log is as large as the pane leaves it.
    window.dispatchEvent(new Event('resize'))
  }

  toggle.addEventListener('click', () => {
    isWanted = pane.hidden
    open(isWanted)
  })

  setInterval(() => {
    if (!pane.hidden) for (const agent of agents.values()) draw(agent)
  }, REDRAW_MS)
  setInterval(() => {
    if (agents.size > 0) subscribe()
  }, RENEW_MS)
  return { receive, lose }
}
