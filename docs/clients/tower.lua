-- The fleet as data in Mudlet: a small window with a line for each agent, those in trouble first.
-- Put this into a script of your profile. GMCP has to be switched on in the profile's settings.
-- To have it in a session that is logged in already, type:  lua tower.subscribe()

tower = tower or { agents = {}, handlers = {} }

local colours = { up = "green", late = "yellow", down = "red", unreachable = "magenta", paused = "cyan", new = "white", unknown = "grey" }
local urgency = { down = 1, unreachable = 2, late = 3, unknown = 4 }
local barWidth = 10

function tower.window()
  if not tower.console then
    tower.container = Adjustable.Container:new({ name = "towerFleet", titleText = "The fleet", x = "-360px", y = "10%", width = "360px", height = "40%" })
    tower.console = Geyser.MiniConsole:new({ name = "towerConsole", x = 0, y = 0, width = "100%", height = "100%", fontSize = 10 }, tower.container)
  end
  return tower.console
end

-- How fresh the heartbeat was when it was told: full when it has just come, empty when its time is over.
local function freshness(agent)
  local whole = agent.periodMs + agent.graceMs
  local left = 0
  if agent.beatAgeMs >= 0 and whole > 0 and agent.state ~= "unknown" then
    left = math.max(0, 1 - agent.beatAgeMs / whole)
  end
  local full = math.floor(left * barWidth + 0.5)
  return string.rep("#", full) .. string.rep(".", barWidth - full)
end

local function byUrgency(one, other)
  local first, second = urgency[one.state] or 9, urgency[other.state] or 9
  if first ~= second then return first < second end
  return one.id < other.id
end

function tower.draw()
  local console = tower.window()
  console:clear()
  local agents = {}
  for _, agent in pairs(tower.agents) do agents[#agents + 1] = agent end
  table.sort(agents, byUrgency)
  for _, agent in ipairs(agents) do
    -- Names and causes are data of others: written as they are, never as colour codes.
    console:fg(colours[agent.state] or "grey")
    console:echo(string.format("%-18s %-11s", agent.name, agent.state))
    console:resetFormat()
    local why = (agent.state == "up" or agent.cause == "") and agent.doing or agent.cause
    console:echo(" " .. freshness(agent) .. " " .. why .. "\n")
  end
  if tower.problem and tower.problem ~= "" then console:echo(tower.problem .. "\n") end
end

function tower.onFleet()
  tower.agents = {}
  for _, agent in ipairs(gmcp.Tower.Fleet.agents) do tower.agents[agent.id] = agent end
  tower.problem = gmcp.Tower.Fleet.problem
  tower.draw()
end

function tower.onAgent()
  local agent = gmcp.Tower.Agent
  tower.agents[agent.id] = agent
  tower.draw()
end

function tower.onAlert()
  if gmcp.Tower.Alert.kind == "problem" then alert() end
end

function tower.onError()
  tower.problem = gmcp.Tower.Error.text
  tower.draw()
end

-- Evennia says Logged.In when an account has logged in. The game wants to be asked again at least every ten minutes.
function tower.subscribe()
  sendGMCP("Tower.Subscribe {}")
  if tower.timer then killTimer(tower.timer) end
  tower.timer = tempTimer(240, tower.subscribe)
end

-- Without the connection there is nobody to ask.
function tower.onDisconnect()
  if tower.timer then killTimer(tower.timer) end
  tower.timer = nil
end

-- A script that is saved again runs again: its handlers of before must not stay beside the new ones.
for _, handler in ipairs(tower.handlers) do killAnonymousEventHandler(handler) end
tower.handlers = {}
for _, each in ipairs({
  { "gmcp.Logged.In", "tower.subscribe" },
  { "gmcp.Tower.Fleet", "tower.onFleet" },
  { "gmcp.Tower.Agent", "tower.onAgent" },
  { "gmcp.Tower.Alert", "tower.onAlert" },
  { "gmcp.Tower.Error", "tower.onError" },
  { "sysDisconnectionEvent", "tower.onDisconnect" },
}) do
  tower.handlers[#tower.handlers + 1] = registerAnonymousEventHandler(each[1], each[2])
end
