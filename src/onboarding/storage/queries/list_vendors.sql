select v.vendor_id, v.vendor_name, v.email, v.status,
       (select count(*) from upload_history h where h.vendor_id = v.vendor_id) as uploads
from vendors v
order by v.vendor_id
