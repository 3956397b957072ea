#pragma once

#include "bootchain/event_description.h"

// The parts that describe_event_data() is made of, by the form of the data. Each fails, with the offset in the data,
// where the data have another form.
namespace slipway::bootchain {

using Description = Result<EventDescription>;

// The fields are moved into their list: an initializer list would copy each, with all the rows of a hostile table.
template <typename... Fields>
EventDescription described(std::string text, Fields... fields) {
  EventDescription description{std::move(text), {}};
  description.fields.reserve(sizeof...(fields));
  (description.fields.push_back(std::move(fields)), ...);
  return description;
}

// UEFI_VARIABLE_DATA. `authority`: its value is one signature, not a list.
Description describe_variable_event(ByteView data, bool authority);
// UEFI_GPT_DATA.
Description describe_partition_table(ByteView data);
// UEFI_IMAGE_LOAD_EVENT.
Description describe_image_load(ByteView data);
// UEFI_PLATFORM_FIRMWARE_BLOB, and the second form with a description in front.
Description describe_firmware_blob(ByteView data);
Description describe_firmware_blob2(ByteView data);
// UEFI_HANDOFF_TABLE_POINTERS, and the second form.
Description describe_handoff_tables(ByteView data);
Description describe_handoff_tables2(ByteView data);
// DEVICE_SECURITY_EVENT_DATA and DEVICE_SECURITY_EVENT_DATA2: of a device that speaks SPDM, measurements or its
// certificates. Errors count offsets from `base_offset`.
bool is_device_security(ByteView data);
Description describe_device_security(ByteView data, std::size_t base_offset = 0);
// NV_INDEX_INSTANCE_EVENT_LOG_DATA ("NvIndexInstance") and NV_INDEX_DYNAMIC_EVENT_LOG_DATA ("NvIndexDynamic").
Description describe_nv_index(ByteView data, std::string signature);
// TCG_EfiSpecIDEvent, TCG_EfiStartupLocalityEvent, TCG_Sp800_155_PlatformId_Event, the two above and any other data
// that begin with a signature of 16 bytes.
Description describe_no_action(ByteView data);

}  // namespace slipway::bootchain
