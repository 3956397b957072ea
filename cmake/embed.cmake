# cmake -DOUTPUT=FILE.cc -DFOLDER=DATA "-DFILES=a;b" -P embed.cmake
#
# Writes the definition of slipway::fleet::built_in_file (src/fleet/built_in_data.h) over the given text files, each
# named by its path below FOLDER.
set(text "#include \"fleet/built_in_data.h\"\n\nnamespace slipway::fleet {\n\n")
string(APPEND text "std::string_view built_in_file(std::string_view path) {\n")
foreach(file ${FILES})
  file(RELATIVE_PATH name ${FOLDER} ${file})
  file(READ ${file} content)
  string(APPEND text "  if (path == \"${name}\") {\n    return R\"embedded(${content})embedded\";\n  }\n")
endforeach()
string(APPEND text "  return {};\n}\n\n}  // namespace slipway::fleet\n")
file(WRITE ${OUTPUT} "${text}")
