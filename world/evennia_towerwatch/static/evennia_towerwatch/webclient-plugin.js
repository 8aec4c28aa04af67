/*
 * The fleet beside Evennia's own web client: a plugin for it, to be loaded after fleet-pane.js and after the client's own
 * plugins. What it draws, and how it is used, is in fleet-pane.js.
 */
{
  const folder = new URL('.', document.currentScript.src)
  let pane

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties)
    element.append(...children)
    return element
  }

  function init() {
    document.head.append(make('link', { rel: 'stylesheet', href: new URL('fleet-pane.css', folder).href }))
    const toggle = make('button', { type: 'button', id: 'fleet-toggle', hidden: true })
    toggle.setAttribute('aria-controls', 'fleet')
    toggle.setAttribute('aria-expanded', 'false')
    const problem = make('p', { id: 'fleet-problem' })
    problem.setAttribute('role', 'status')
    const trouble = make('button', { type: 'button', id: 'fleet-trouble', hidden: true }, 'Only trouble')
    trouble.setAttribute('aria-pressed', 'false')
    const list = make('ul', { id: 'fleet-agents' })
    list.setAttribute('role', 'list')
    const section = make('section', { id: 'fleet', hidden: true }, problem, trouble, list)
    section.setAttribute('aria-label', 'The fleet')
    const corner = make('aside', { id: 'fleet-corner' }, toggle, section)
    corner.setAttribute('aria-label', 'Towerwatch')
    // The client takes every key that reaches the document for its own line.
    corner.addEventListener('keydown', (event) => event.stopPropagation())
    document.body.append(corner)
    pane = window.fleetPane({
      subscribe: () => window.Evennia.msg('tower_subscribe', [], {}),
      look: (id) => window.plugin_handler.onSend(`look ${id}`),
      isOpen: false,
    })
  }

  window.plugin_handler.add('towerwatch', {
    init,
    onLoggedIn: () => pane.receive('logged_in'),
    onUnknownCmd: (name, _, data) => {
      if (!name.startsWith('tower_')) return false
      pane.receive(name, data)
      return true
    },
    onConnectionClose: () => pane.lose('There is no connection to the game: what is shown here is old.'),
  })
}
