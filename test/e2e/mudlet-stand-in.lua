-- Stands in for a Mudlet, as far as docs/clients/tower.lua uses one. Prints what would be seen, sent and heard.
--   lua5.1 mudlet-stand-in.lua <script>

local script = arg[1]
local handlers, nextId, timers = {}, 0, {}
gmcp = {}

local function id()
  nextId = nextId + 1
  return nextId
end

-- Mudlet gives a console that can be cleared, written to and painted; anything else that a script calls is a mistake.
local shown = {}
local console = {}
function console:clear() shown = {} end
function console:echo(text) shown[#shown + 1] = text end
function console:fg(colour) shown[#shown + 1] = "<" .. colour .. ">" end
function console:resetFormat() shown[#shown + 1] = "<reset>" end

Adjustable = { Container = { new = function(_, options) assert(type(options.name) == "string") return {} end } }
Geyser = { MiniConsole = { new = function(_, options, parent) assert(options.name and parent) return console end } }

function registerAnonymousEventHandler(event, name)
  local key = id()
  handlers[key] = { event = event, name = name }
  return key
end
function killAnonymousEventHandler(key)
  assert(handlers[key], "no such handler")
  handlers[key] = nil
end
function tempTimer(seconds, action)
  local key = id()
  timers[key] = { seconds = seconds, action = action }
  return key
end
function killTimer(key) timers[key] = nil end
function sendGMCP(text) print("sent: " .. text) end
function alert() print("rings") end

local function at(path)
  local place = _G
  for part in path:gmatch("[^.]+") do place = place[part] end
  return place
end

-- As Mudlet does it: the data is put into `gmcp`, then everybody is called who waits for that event.
local function raise(event, data)
  local _, _, package, message = event:find("^gmcp%.(.+)%.(%w+)$")
  if package then
    local place = gmcp
    for part in package:gmatch("[^.]+") do
      place[part] = place[part] or {}
      place = place[part]
    end
    place[message] = data
  end
  local called = 0
  for _, handler in pairs(handlers) do
    if handler.event == event then
      called = called + 1
      at(handler.name)(event)
    end
  end
  print(event .. " heard by " .. called)
end

local function show()
  for line in table.concat(shown):gmatch("[^\n]+") do print("| " .. line) end
end

local function timersLeft()
  local seconds = {}
  for _, timer in pairs(timers) do seconds[#seconds + 1] = timer.seconds end
  return table.concat(seconds, ",")
end

local function agent(more)
  local one = { id = "x", name = "X", host = "h", state = "up", cause = "", forMs = 1, beatAgeMs = 0, periodMs = 2000, graceMs = 2000, busy = false, doing = "", incident = 0 }
  for key, value in pairs(more) do one[key] = value end
  return one
end

dofile(script)
dofile(script)
raise("gmcp.Logged.In", {})
print("timers: " .. timersLeft())
raise("gmcp.Tower.Fleet", {
  watched = true,
  problem = "",
  hosts = {},
  agents = {
    agent({ id = "bezalel", name = "Bezalel", doing = "forging" }),
    agent({ id = "hostile", name = "<red>%s \\27[2J", doing = "100% %d", beatAgeMs = 2000 }),
    agent({ id = "newcomer", name = "Newcomer", state = "new", beatAgeMs = -1 }),
  },
})
show()
raise("gmcp.Tower.Agent", agent({ id = "newcomer", name = "Newcomer", state = "down", cause = "its pane is dead", beatAgeMs = 99999 }))
show()
raise("gmcp.Tower.Alert", { id = "a", kind = "problem", text = "x", subjects = {}, incidents = {} })
raise("gmcp.Tower.Alert", { id = "b", kind = "recovery", text = "x", subjects = {}, incidents = {} })
for _, timer in pairs(timers) do timer.action() break end
print("timers: " .. timersLeft())
raise("gmcp.Tower.Error", { text = "it is told no more" })
show()
raise("sysDisconnectionEvent")
print("timers: " .. timersLeft())
