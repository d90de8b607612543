-- What is stored of a session (KEYS[1] is its hash, `hf:{SESSION}`; the other keys hang on it, so all are in one slot):
--   hash         the record below; `c:NAME` cells, `i:ID` client ids
--   :log         list, the event of seq N at index N-1: a role letter, the tag, a space, the JSON
--   :user :assistant :system   lists of the seqs whose event carries a message of that role
--   :notes       hash, seq -> annotation
--   :chunks      list, the message in flight
-- Only KEYS[1] is declared: the rest is derived from it, which Redis allows within a slot, and saves arguments.
-- Values of several parts are JSON texts made and read by the driver; here they are only compared.

-- The order is that of RECORD in session-record.ts.
local RECORD = {
  'epoch', 'seq', 'tag', 'scope', 'born', 'policy', 'title', 'updated', 'bytes', 'seen', 'attached', 'hold', 'lease',
  'until', 'alarm', 'last', 'archived', 'chunk', 'chunk_run', 'cells',
}
local AT = {}
for i = 1, #RECORD do AT[RECORD[i]] = i end -- Redis 7.0 has no ipairs while it loads a library

local PARTS = { ':log', ':user', ':assistant', ':system', ':notes', ':chunks' }
local ROLES = { [117] = ':user', [97] = ':assistant', [115] = ':system' } -- by the first letter

local function register(name, callback, flags)
  redis.register_function({ function_name = 'PREFIX_' .. name, callback = callback, flags = flags or {} })
end

local function record(key)
  return redis.call('HMGET', key, unpack(RECORD))
end

-- The record as it is answered: with how many messages of each role there are, user, assistant, system.
local function answer(key, m)
  for _, role in ipairs({ ':user', ':assistant', ':system' }) do m[#m + 1] = redis.call('LLEN', key .. role) end
  return m
end

-- Calls a variadic command with `list[from..to]`; Lua cannot unpack more than some thousands at a time.
local function each_thousand(command, key, list, from, to)
  if to - from < 1000 then return redis.call(command, key, unpack(list, from, to)) end
  for i = from, to, 1000 do
    redis.call(command, key, unpack(list, i, math.min(i + 999, to)))
  end
end

local function tag_of(event)
  return string.match(event, '^.([^ ]*) ')
end

local function json_of(event)
  return string.sub(event, string.find(event, ' ', 1, true) + 1)
end

-- How many bytes of an element of the log are JSON.
local function bytes_of(event)
  return #event - string.find(event, ' ', 1, true)
end

-- How many elements of the log are fetched at once: of the largest events that there are, few must not be many megabytes.
local SLICE = 16

-- {events, 1 when there are more}: those from index `from` on, at most `limit` and as many as fit into `max_bytes`,
-- but one in any case.
local function events_from(log, from, limit, max_bytes)
  local events, bytes = {}, 0
  while #events < limit do
    local slice = redis.call('LRANGE', log, from, from + math.min(SLICE, limit - #events) - 1)
    for _, event in ipairs(slice) do
      bytes = bytes + bytes_of(event)
      if bytes > max_bytes and #events > 0 then return { events, 1 } end
      events[#events + 1] = event
    end
    from = from + #slice
    if #slice < SLICE then break end
  end
  return { events, from < redis.call('LLEN', log) and 1 or 0 }
end

-- Sends `parts` to the nodes named in `nodes` (a text of lines), and to `owner`, but never to `self`.
-- The first line of a record holds its header and the length of each part.
local function publish(key, nodes, owner, self, header, parts)
  local channel = string.match(key, '^(.-){') .. 'node:'
  local message
  local function send(node)
    if node == self then return end
    if not message then
      local lengths = {}
      for i, part in ipairs(parts) do lengths[i] = #part end
      message = header .. '\n' .. table.concat(lengths, ' ') .. '\n' .. table.concat(parts)
    end
    redis.call('PUBLISH', channel .. node, message)
  end
  for node in string.gmatch(nodes or '', '([^\n]+)\n') do
    send(node)
    if node == owner then owner = false end
  end
  if owner then send(owner) end
end

local function session_of(key)
  return string.match(key, '{(.*)}')
end

-- {buffer, run, count, from, chunks} or nothing
local function chunk_buffer(key, from)
  local m = redis.call('HMGET', key, 'chunk', 'chunk_run')
  if not m[1] then return false end
  local list = key .. ':chunks'
  return { m[1], m[2], redis.call('LLEN', list), from, redis.call('LRANGE', list, from, -1) }
end

-- 1 seq, 2 limit, 3 most bytes
register('read', function(keys, argv)
  return events_from(keys[1] .. ':log', math.max(0, tonumber(argv[1]) - 1), tonumber(argv[2]), tonumber(argv[3]))
end, { 'no-writes' })

register('info', function(keys)
  return answer(keys[1], record(keys[1]))
end, { 'no-writes' })
