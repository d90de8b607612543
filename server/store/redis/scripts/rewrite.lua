-- Another log in the place of one that is not continuous, in one step.

-- What the record has of the log and of what was at work; the rest of it stays.
local OF_LOG = { epoch = true, seq = true, tag = true, bytes = true, lease = true, ['until'] = true, alarm = true, chunk = true,
  chunk_run = true, cells = true }

-- 1 node, 2 epoch before, 3 epoch, 4 alarm, 5 how many events, 6 how many pairs of the hash; then events, those pairs, annotation pairs
-- -> 0 when it is another log, or 1 and the alarm before
register('rewrite', function(keys, argv)
  local key = keys[1]
  local m = record(key)
  if not m[AT.epoch] or m[AT.archived] then return { 0 } end
  if m[AT.epoch] ~= argv[2] then return { m[AT.epoch] == argv[3] and 1 or 0 } end
  local last_event = 6 + argv[5]
  local last_pair = last_event + 2 * argv[6]
  local rest = redis.call('HMGET', key, 'nodes', 'owner', 'ranked', 'nonce')
  local set, bytes, tag, cells = { 'epoch', argv[3], 'seq', argv[5], 'alarm', argv[4] }, 0, false, '\n'
  local function put(name, value)
    if not value then return end
    set[#set + 1] = name
    set[#set + 1] = value
  end
  for i, name in ipairs(RECORD) do
    if not OF_LOG[name] then put(name, m[i]) end
  end
  put('nodes', rest[1])
  put('ranked', rest[3])
  put('nonce', rest[4])

  redis.call('UNLINK', key)
  for _, part in ipairs(PARTS) do redis.call('UNLINK', key .. part) end
  for i = 7, last_event do
    local event = argv[i]
    bytes = bytes + #event - string.find(event, ' ', 1, true)
    tag = tag_of(event)
    local role = ROLES[string.byte(event)]
    if role then redis.call('RPUSH', key .. role, i - 6) end
  end
  for i = last_event + 1, last_pair, 2 do
    if string.sub(argv[i], 1, 2) == 'c:' then cells = cells .. string.sub(argv[i], 3) .. '\n' end
  end
  put('bytes', bytes)
  put('tag', tag)
  put('cells', #cells > 1 and cells)
  redis.call('HSET', key, unpack(set))
  if last_event > 6 then each_thousand('RPUSH', key .. ':log', argv, 7, last_event) end
  if last_pair > last_event then each_thousand('HSET', key, argv, last_event + 1, last_pair) end
  if #argv > last_pair then each_thousand('HSET', key .. ':notes', argv, last_pair + 1, #argv) end
  publish(key, rest[1], rest[2], argv[1], 'gone\n' .. session_of(key), {})
  return { 1, m[AT.alarm] }
end, { 'allow-oom' })
