/*
 * The web client of The Tower: Evennia's websocket, a log, a line to type in.
 *
 * Evennia sends HTML. No browser's parser ever sees it: it is read here, and text, line breaks and colours are all that is
 * taken over. Links are not, as players and agents could write them.
 */

{
  const page = document.body.dataset
  const log = document.getElementById('messagewindow')
  const field = document.getElementById('inputfield')
  const connection = document.getElementById('connection')

  const KEPT_MESSAGES = 2000
  const KEPT_COMMANDS = 200
  const KEEP_ALIVE_MS = 3 * 60_000
  const LONGEST_PAUSE_MS = 15_000

  /* ---- colours ---- */

  const SIXTEEN = '7d8590 e5707a 6cc070 d7ba57 7aa2f7 c792ea 4fc1d0 d7dae0 9aa3af ff8790 8ee08e ffd866 9dbcff e0b0ff 7fe0ec ffffff'.split(
    ' ',
  )

  function colour(number) {
    if (number < 16) return `#${SIXTEEN[number]}`
    if (number >= 232) {
      const grey = 8 + (number - 232) * 10
      return `rgb(${grey} ${grey} ${grey})`
    }
    const level = (step) => (step === 0 ? 0 : 55 + step * 40)
    const cube = number - 16
    return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`
  }

  /* ---- what comes in ---- */

  const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', '#x27': "'", '#39': "'", nbsp: ' ' }

  /** Writes text, line breaks and colours. What is not one of the few things that Evennia sends is shown as the text it is. */
  function write(target, html) {
    const open = [target]
    for (const [token, end, tag, attributes, entity] of html.matchAll(/<(\/?)([a-z]+)([^>]*)>|&(#?\w+);|[^<&]+|[<&]/gi)) {
      const here = open.at(-1)
      if (entity !== undefined) here.append(ENTITIES[entity.toLowerCase()] ?? token)
      else if (tag === undefined) here.append(token.replaceAll('\u00a0', ' '))
      else if (tag === 'br') here.append('\n')
      else if (tag === 'span' && end === '') {
        const span = document.createElement('span')
        paint(span, attributes)
        here.append(span)
        open.push(span)
      } else if (tag === 'span' && open.length > 1) open.pop()
    }
  }

  function paint(span, attributes) {
    const classes = /class="([^"]*)"/.exec(attributes)?.[1] ?? ''
    for (const name of classes.split(' ')) {
      const numbered = /^(bg)?color-([0-9]{3})$/.exec(name)
      if (numbered && Number(numbered[2]) < 256) span.style[numbered[1] ? 'backgroundColor' : 'color'] = colour(Number(numbered[2]))
      else if (name === 'underline' || name === 'blink') span.classList.add(name)
    }
    // True colour comes as a style.
    for (const [, back, value] of attributes.matchAll(/(background-)?color: *(#[0-9a-f]{3,6}|rgb\([0-9, ]+\))/gi))
      span.style[back ? 'backgroundColor' : 'color'] = value
  }

  function show(element, kind) {
    element.classList.add('message')
    if (kind) element.classList.add(kind)
    // Three columns or a frame: a table.
    if (/\S {2,}\S.* {2,}\S|^\+[-+]+\+$/m.test(element.textContent)) element.classList.add('table')
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40
    log.append(element)
    while (log.childElementCount > KEPT_MESSAGES) log.firstElementChild.remove()
    if (atEnd || kind === 'typed') log.scrollTop = log.scrollHeight
  }

  function showHtml(html) {
    const element = document.createElement('div')
    write(element, html)
    show(element)
  }

  function showText(text, kind) {
    const element = document.createElement('div')
    element.textContent = text
    show(element, kind)
  }

  function receive(frame) {
    // Evennia's Portal takes connections before its Server is there, and what is said to it then is lost.
    if (!heard) tellWidthAnew()
    heard = true
    let name
    let args
    let kwargs
    try {
      ;[name, args, kwargs] = JSON.parse(frame)
    } catch (error) {
      console.warn('The Tower sent what is not JSON', error)
      return
    }
    if ((name === 'text' || name === 'prompt') && Array.isArray(args)) {
      for (const text of args) if (typeof text === 'string') showHtml(text)
    } else pane.receive(name, kwargs)
  }

  /** The fleet at the side. A click on an agent is typed for you. */
  const pane = window.fleetPane({
    subscribe: () => send('tower_subscribe', [], {}),
    look: (id) => type(`look ${id}`),
  })

  /* ---- the connection ---- */

  let socket
  let failures = 0
  /** Something came over this connection. */
  let heard = false

  function connect() {
    const url = page.websocketUrl || `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.hostname}:${page.websocketPort}`
    // As Evennia's own client does: the browser's session, by which it knows us again when we come back.
    socket = new WebSocket(`${url}?${page.browserSession}&${Math.random().toString(36).slice(2)}&tower`)
    socket.addEventListener('open', () => {
      if (failures > 0) showText('Connected again.', 'note')
      failures = 0
      connection.textContent = 'Connected'
      heard = false
    })
    socket.addEventListener('message', (event) => receive(event.data))
    socket.addEventListener('close', () => {
      if (failures === 0) showText('The connection is gone. This page tries again by itself.', 'note')
      connection.textContent = 'Not connected'
      pane.lose('There is no connection to the game: what is shown here is old.')
      failures += 1
      setTimeout(connect, Math.min(1000 * 2 ** (failures - 1), LONGEST_PAUSE_MS))
    })
  }

  function send(name, args, kwargs) {
    if (socket.readyState !== WebSocket.OPEN) return false
    socket.send(JSON.stringify([name, args, kwargs]))
    return true
  }

  /** Tables are drawn for the width of this screen. */
  let width = 0
  function tellWidthAnew() {
    width = 0
    tellWidth()
  }
  function tellWidth() {
    const probe = document.createElement('span')
    probe.className = 'message'
    probe.textContent = '0'.repeat(100)
    probe.style.cssText = 'position: absolute; visibility: hidden; white-space: pre'
    log.append(probe)
    const style = getComputedStyle(log)
    const room = log.clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight)
    const columns = Math.max(20, Math.min(200, Math.floor((room * 100) / probe.getBoundingClientRect().width)))
    probe.remove()
    if (columns !== width && send('client_options', [], { screenwidth: columns })) width = columns
  }

  /* ---- what is typed ---- */

  const commands = []
  let place = 0

  function submit() {
    const line = field.value.replaceAll('\n', ' ').trim()
    if (line !== '' && type(line)) field.value = ''
  }

  /** False where it could not be sent. */
  function type(line) {
    if (!send('text', [line], {})) {
      showText('Not sent: there is no connection at the moment.', 'note')
      return false
    }
    // Passwords are neither shown nor kept.
    const secret = /^@?(connect|conn|con|co|create|cre|cr|password)\s/i.test(line)
    showText(secret ? `> ${line.split(/\s/)[0]} …` : `> ${line}`, 'typed')
    if (!secret && commands.at(-1) !== line) commands.push(line)
    if (commands.length > KEPT_COMMANDS) commands.shift()
    place = commands.length
    return true
  }

  function recall(step) {
    if (commands.length === 0) return
    place = Math.max(0, Math.min(commands.length, place + step))
    field.value = commands[place] ?? ''
  }

  document.getElementById('inputform').addEventListener('submit', (event) => {
    event.preventDefault()
    submit()
    field.focus()
  })
  field.addEventListener('keydown', (event) => {
    // While an input method composes a word, Enter chooses it.
    if (event.isComposing) return
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      submit()
    } else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      event.preventDefault()
      recall(event.key === 'ArrowUp' ? -1 : 1)
    }
  })

  /** Whoever reads what was said before is left there. */
  let isAtEnd = true
  log.addEventListener('scroll', () => {
    isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40
  })

  let resized
  window.addEventListener('resize', () => {
    if (isAtEnd) log.scrollTop = log.scrollHeight
    clearTimeout(resized)
    resized = setTimeout(tellWidth, 300)
  })
  setInterval(() => send('text', ['idle'], {}), KEEP_ALIVE_MS)
  connect()
}
