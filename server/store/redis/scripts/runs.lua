-- The message in flight, and the lease of the run that writes it.

-- 1 node, 2 fence, 3 buffer, 4 index, 5 json, 6 run, 7 message, 8 attempt of the message
register('chunk', function(keys, argv)
  local key = keys[1]
  local list = key .. ':chunks'
  local m = redis.call('HMGET', key, 'lease', 'chunk', 'nodes')
  if m[1] ~= argv[2] then return { 'fenced' } end
  local index = tonumber(argv[4])
  if m[2] == argv[3] then
    local count = redis.call('LLEN', list)
    if index < count and redis.call('LINDEX', list, index) == argv[5] then return 'applied' end
    if index ~= count then return { 'gap', count } end
  else
    if index ~= 0 then return { 'gap', 0 } end
    if m[2] then redis.call('UNLINK', list) end
    redis.call('HSET', key, 'chunk', argv[3], 'chunk_run', argv[6])
  end
  redis.call('RPUSH', list, argv[5])
  if m[3] and m[3] ~= '' and m[3] ~= argv[1] .. '\n' then
    local header = table.concat({ 'chunk', session_of(key), argv[7], argv[6], argv[8], argv[4] }, '\n')
    publish(key, m[3], false, argv[1], header, { argv[5] })
  end
  return 'applied'
end)

-- from -> as chunk_buffer
register('chunks', function(keys, argv)
  return chunk_buffer(keys[1], tonumber(argv[1]))
end, { 'no-writes' })

-- fence, until
register('renew', function(keys, argv)
  if redis.call('HGET', keys[1], 'lease') ~= argv[1] then return 0 end
  redis.call('HSET', keys[1], 'until', argv[2])
  return 1
end)
