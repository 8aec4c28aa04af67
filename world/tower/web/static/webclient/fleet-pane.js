/*
 * The fleet at the side of the web client: every agent with a bar that shrinks as its heartbeat ages. What the game sends
 * is data (Tower.Fleet, Tower.Agent), and only text is made of it.
 */

window.fleetPane = ({ subscribe, look }) => {
  const pane = document.getElementById('fleet')
  const list = document.getElementById('fleet-agents')
  const problem = document.getElementById('fleet-problem')

  const SIGNS = { up: '●', late: '◐', down: '✕', unreachable: '?', paused: '‖', unknown: '?', new: '○' }
  const REDRAW_MS = 1000

  /** By id: what was told, when, and where it is shown. */
  const agents = new Map()

  function receive(name, data) {
    // Whoever has just logged in, or comes back after a reload, asks.
    if (name === 'logged_in') subscribe()
    else if (name === 'tower_fleet' && Array.isArray(data?.agents)) showAll(data)
    else if (name === 'tower_agent' && agents.has(data?.id)) {
      tell(data)
      draw(agents.get(data.id))
    }
  }

  function showAll(data) {
    pane.hidden = false
    problem.textContent = String(data.problem ?? '')
    agents.clear()
    list.replaceChildren()
    for (const agent of data.agents) {
      tell(agent)
      list.append(agents.get(agent.id).item)
    }
    for (const agent of agents.values()) draw(agent)
  }

  function tell(told) {
    const known = agents.get(told.id) ?? build(told)
    agents.set(told.id, { ...known, told, atMs: performance.now() })
  }

  function build(told) {
    const item = document.createElement('li')
    const button = document.createElement('button')
    const name = document.createElement('span')
    const state = document.createElement('span')
    const bar = document.createElement('meter')
    const doing = document.createElement('small')
    button.type = 'button'
    button.append(name, state)
    button.addEventListener('click', () => look(told.name))
    item.append(button, bar, doing)
    return { item, button, name, state, bar, doing }
  }

  function draw({ told, atMs, button, name, state, bar, doing }) {
    const passedMs = performance.now() - atMs
    const ageMs = told.beatAgeMs < 0 ? undefined : told.beatAgeMs + passedMs
    const wholeMs = told.periodMs + told.graceMs
    const left = ageMs === undefined || wholeMs <= 0 ? 0 : Math.max(0, 1 - ageMs / wholeMs)
    const beat = ageMs === undefined ? 'no heartbeat yet' : `last heartbeat ${Math.round(ageMs / 1000)} s ago`
    name.textContent = told.name
    state.textContent = `${SIGNS[told.state] ?? '?'} ${told.state}`
    state.className = `state-${told.state}`
    button.title = `${told.name} is ${told.state}${told.cause ? ` (${told.cause})` : ''}, ${beat}. Click to look.`
    bar.value = left
    bar.low = wholeMs > 0 ? told.graceMs / wholeMs : 0
    bar.optimum = 1
    bar.setAttribute('aria-label', beat)
    doing.textContent = told.state === 'down' ? told.cause : told.doing
  }

  setInterval(() => {
    for (const agent of agents.values()) draw(agent)
  }, REDRAW_MS)
  return { receive }
}
