-- The fleet as data in Mudlet: a small window with a line for each agent, the newest state first.
-- Put this into a script of your profile. GMCP has to be switched on in the profile's settings.

tower = tower or { agents = {} }

local colours = { up = "green", late = "yellow", down = "red", unreachable = "magenta", paused = "cyan", new = "white", unknown = "grey" }

function tower.window()
  if not tower.console then
    tower.container = Adjustable.Container:new({ name = "towerFleet", titleText = "The fleet", x = "-300px", y = "10%", width = "300px", height = "40%" })
    tower.console = Geyser.MiniConsole:new({ name = "towerConsole", x = 0, y = 0, width = "100%", height = "100%", fontSize = 10 }, tower.container)
  end
  return tower.console
end

function tower.draw()
  local console = tower.window()
  console:clear()
  local ids = {}
  for id in pairs(tower.agents) do ids[#ids + 1] = id end
  table.sort(ids)
  for _, id in ipairs(ids) do
    local agent = tower.agents[id]
    -- Names and states are data of others: written as they are, never as colour codes.
    console:fg(colours[agent.state] or "grey")
    console:echo(string.format("%-18s %-11s", agent.name, agent.state))
    console:resetFormat()
    console:echo(" " .. (agent.state == "down" and agent.cause or agent.doing) .. "\n")
  end
end

function tower.onFleet()
  tower.agents = {}
  for _, agent in ipairs(gmcp.Tower.Fleet.agents) do tower.agents[agent.id] = agent end
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

-- Evennia says Logged.In when an account has logged in.
function tower.subscribe() sendGMCP("Tower.Subscribe {}") end

for name, handler in pairs({
  ["gmcp.Logged.In"] = "tower.subscribe",
  ["gmcp.Tower.Fleet"] = "tower.onFleet",
  ["gmcp.Tower.Agent"] = "tower.onAgent",
  ["gmcp.Tower.Alert"] = "tower.onAlert",
}) do
  registerAnonymousEventHandler(name, handler)
end
